//! Asks a running exporter whether it is well: what a container's health check runs.

use std::io;
use std::time::Duration;

use crate::probe;

/// How long it may think.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why an exporter is not well.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    /// It listens on any free port.
    #[error("the port to ask is not known: give --web.address or --web.listen-address")]
    Port,
    /// It does not answer.
    #[error("{url}: {source}")]
    Silent {
        /// What it was asked.
        url: String,
        /// What came in the place of an answer.
        source: io::Error,
    },
    /// It answers, but not well.
    #[error("{url}: status {status}")]
    Status {
        /// What it was asked.
        url: String,
        /// What it answered.
        status: u16,
    },
}

/// How a server that speaks TLS alone answers to plain HTTP.
const TLS_EXPECTED: &[u8] = b"Client sent an HTTP request to an HTTPS server.\n";

/// Asks the exporter that listens on an address.
///
/// It is asked by plain HTTP and without a password. One that is closed by a web configuration is
/// well, too, when it answers that it expects TLS or a password, or fewer requests: nothing is opened
/// for the sake of this question, and neither the flag, which a container's health check may not have,
/// nor the file, which may be wrong by now, is needed for it.
pub fn check(address: &str) -> Result<(), Unwell> {
    let address = reached(address).ok_or(Unwell::Port)?;
    let url = format!("http://{address}/-/healthy");
    match probe::tcp(&address, "/-/healthy", PATIENCE) {
        Ok(probe::Answer { status: 200 | 401 | 429, .. }) => Ok(()),
        Ok(probe::Answer { status: 400, body }) if body == TLS_EXPECTED => Ok(()),
        Ok(probe::Answer { status, .. }) => Err(Unwell::Status { url, status }),
        Err(source) => Err(Unwell::Silent { url, source }),
    }
}

/// Where to reach who listens on an address: on one of all, by the loopback.
fn reached(address: &str) -> Option<String> {
    let (host, port) = address.rsplit_once(':')?;
    if port == "0" || host.starts_with("vsock://") {
        return None;
    }
    let host = match host {
        "" | "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    Some(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn what_is_closed_is_well_when_it_says_so() {
        let well_with = |answer: &str| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let answer = format!("HTTP/1.0 {answer}");
            let server = thread::spawn(move || {
                let (mut socket, _) = listener.accept().unwrap();
                let mut asked = [0; 1024];
                let _asked = socket.read(&mut asked).unwrap();
                socket.write_all(answer.as_bytes()).unwrap();
            });
            let well = check(&address).is_ok();
            server.join().unwrap();
            well
        };
        let tls = "400 x\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
        for (answer, well) in [
            ("200 x\r\n\r\n", true),
            ("401 x\r\n\r\n", true),
            ("429 x\r\n\r\n", true),
            (tls, true),
            ("400 x\r\n\r\n", false),
            ("503 x\r\n\r\n", false),
        ] {
            assert_eq!(well_with(answer), well, "{answer}");
        }
    }

    #[test]
    fn reaches_who_listens_everywhere_by_the_loopback() {
        for (listens, reached_at) in [
            (":9100", Some("127.0.0.1:9100")),
            ("0.0.0.0:9100", Some("127.0.0.1:9100")),
            ("[::]:9100", Some("[::1]:9100")),
            ("10.0.0.1:9100", Some("10.0.0.1:9100")),
            ("localhost:1", Some("localhost:1")),
            (":0", None),
            ("", None),
        ] {
            assert_eq!(reached(listens).as_deref(), reached_at, "{listens}");
        }
    }
}
