//! The web configuration: TLS, passwords, headers, and files that change.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ecs_host_exporter::http::{Settings, Web};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::harness::{Server, answers, eventually};
use crate::tls::{Authority, Dir, Secured, connect};

const TLS: &str = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n";

fn open(path: &Path) -> Arc<Web> {
    Web::open(path).unwrap()
}

fn server(web: Arc<Web>) -> Server {
    Server::behind(Some(web), vec![("loadavg", answers())], Settings::default())
}

/// `basic_auth_users` of one.
fn users(user: &str, password: &str) -> String {
    let hash = bcrypt::hash(password, 4).unwrap();
    format!("basic_auth_users:\n  {user}: {hash}\n")
}

fn authorization(user: &str, password: &str) -> String {
    let coded = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {coded}\r\n")
}

fn status(client: &mut Secured, path: &str, headers: &str) -> u16 {
    client.ask("GET", path, headers);
    client.answer().status
}

#[test]
fn serves_those_who_know_the_password_over_tls() {
    let (authority, dir) = (Authority::new(), Dir::new("password"));
    dir.certify(&authority.issue("localhost"));
    let headers = "http_server_config:\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=3\n";
    let web = open(&dir.write("web.yml", &format!("{TLS}{headers}{}", users("me", "secret"))));
    let server = server(web);
    let mut client = connect(server.address, &authority.client(None, &[])).unwrap();

    for (path, credentials) in [
        ("/metrics", String::new()),
        ("/metrics", authorization("me", "wrong")),
        ("/metrics", authorization("you", "secret")),
        ("/", String::new()),
        ("/-/healthy", String::new()),
        ("/reference", String::new()),
        ("/nothing", String::new()),
    ] {
        client.ask("GET", path, &credentials);
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (401, "Unauthorized\n".into()), "{path}");
        assert_eq!(answer.header("www-authenticate"), Some("Basic"));
        assert_eq!(answer.header("x-frame-options"), Some("deny"));
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=3"));
    }
    for _ in 0..2 {
        client.ask("GET", "/metrics", &authorization("me", "secret"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("x-frame-options")), (200, Some("deny")));
        let text = answer.text();
        assert!(text.contains("answer 42\n"), "{text}");
        assert!(text.contains("ecs_host_exporter_web_config_last_reload_successful 1\n"), "{text}");
        assert!(text.contains("web_config_last_reload_success_timestamp_seconds 1"), "{text}");
    }
    assert_eq!(status(&mut client, "/nothing", &authorization("me", "secret")), 404);

    let mut plain = server.connect();
    plain.ask("GET", "/metrics", &authorization("me", "secret"));
    let head = plain.head();
    let words = b"Client sent an HTTP request to an HTTPS server.\n";
    assert_eq!((head.status, plain.rest().as_slice()), (400, &words[..]));
}

#[test]
fn shows_a_new_certificate_to_the_next_connection() {
    let (old, new) = (Authority::new(), Authority::new());
    let dir = Dir::new("certificate");
    dir.certify(&old.issue("localhost"));
    let server = server(open(&dir.write("web.yml", TLS)));
    let mut before = connect(server.address, &old.client(None, &[])).unwrap();
    assert_eq!(status(&mut before, "/-/healthy", ""), 200);
    assert!(connect(server.address, &new.client(None, &[])).is_err());

    dir.certify(&new.issue("localhost"));
    let mut after = connect(server.address, &new.client(None, &[])).unwrap();
    assert_eq!(status(&mut after, "/-/healthy", ""), 200);
    assert_eq!(status(&mut before, "/-/healthy", ""), 200, "old connections go on");
    assert!(connect(server.address, &old.client(None, &[])).is_err());

    // One that does not belong to the key: the last good pair stands.
    dir.write("cert.pem", &new.issue("localhost").certificate_pem());
    let mut later = connect(server.address, &new.client(None, &[])).unwrap();
    assert_eq!(status(&mut later, "/-/healthy", ""), 200);
}

#[test]
fn a_file_that_goes_bad_opens_nothing() {
    let (authority, dir) = (Authority::new(), Dir::new("bad"));
    dir.certify(&authority.issue("localhost"));
    let good = format!("{TLS}{}", users("me", "secret"));
    let path = dir.write("web.yml", &good);
    let server = server(open(&path));
    let client = authority.client(None, &[]);
    let successful = || {
        let mut client = connect(server.address, &client).unwrap();
        assert_eq!(status(&mut client, "/metrics", ""), 401);
        client.ask("GET", "/metrics", &authorization("me", "secret"));
        let text = client.answer().text();
        assert!(text.contains("answer 42\n"));
        text.contains("ecs_host_exporter_web_config_last_reload_successful 1\n")
    };
    assert!(successful());
    let without_tls = users("me", "secret");
    let no_user = format!("{TLS}basic_auth_users: {{}}\n");
    for bad in ["", "nonsense", "a: [", "unknown: 1\n", TLS, &without_tls, &no_user, "\u{0}"] {
        dir.write("web.yml", bad);
        assert!(!successful(), "{bad:?}");
    }
    dir.write("web.yml", &good);
    assert!(successful(), "the same again");
    std::fs::remove_file(&path).unwrap();
    assert!(!successful());
    dir.write("web.yml", &format!("{TLS}{}", users("me", "secret")));
    assert!(successful(), "another hash");
    std::fs::remove_file(dir.0.join("key.pem")).unwrap();
    assert!(!successful());
}

#[test]
fn users_that_change_count_at_once() {
    let dir = Dir::new("users");
    let path = dir.write("web.yml", "");
    let server = server(open(&path));
    let mut client = server.connect();
    let mut status = |user, password| {
        client.ask("GET", "/healthz", &authorization(user, password));
        client.answer().status
    };
    assert_eq!(status("me", "x"), 200, "an empty file closes nothing");
    dir.write("web.yml", &users("me", "secret"));
    assert_eq!((status("me", "x"), status("me", "secret")), (401, 200));
    dir.write("web.yml", &users("me", "other"));
    assert_eq!((status("me", "secret"), status("me", "other")), (401, 200));
    dir.write("web.yml", "http_server_config: {}\n");
    assert_eq!((status("you", "other"), status("me", "other")), (401, 200));
}

#[test]
fn asks_clients_for_certificates() {
    let (authority, stranger, dir) = (Authority::new(), Authority::new(), Dir::new("clients"));
    dir.certify(&authority.issue("localhost"));
    dir.write("ca.pem", &authority.pem());
    let (mine, other) = (authority.issue("prometheus"), authority.issue("other"));
    let forged = stranger.issue("prometheus");
    let asks = |rules: &str| {
        let server = server(open(&dir.write("web.yml", &format!("{TLS}{rules}"))));
        [None, Some(&mine), Some(&other), Some(&forged)]
            .map(|own| {
                // In TLS 1.3 a client is told after its own part of the handshake.
                let mut client = connect(server.address, &authority.client(own, &[])).ok()?;
                let path = "GET /healthz HTTP/1.0\r\n\r\n";
                std::io::Write::write_all(client.0.get_mut(), path.as_bytes()).ok()?;
                let mut begin = [0; 12];
                client.0.read_exact(&mut begin).ok()?;
                Some(String::from_utf8_lossy(&begin).into_owned())
            })
            .map(|answer| answer.as_deref() == Some("HTTP/1.0 200"))
    };
    let verify = "  client_ca_file: ca.pem\n  client_auth_type: ";
    assert_eq!(asks(""), [true, true, true, true]);
    assert_eq!(asks("  client_auth_type: RequestClientCert\n"), [true; 4]);
    assert_eq!(asks("  client_auth_type: RequireAnyClientCert\n"), [false, true, true, true]);
    assert_eq!(asks(&format!("{verify}VerifyClientCertIfGiven\n")), [true, true, true, false]);
    assert_eq!(asks(&format!("{verify}RequireAndVerifyClientCert\n")), [false, true, true, false]);
    assert_eq!(
        asks(&format!(
            "{verify}RequireAndVerifyClientCert\n  client_allowed_sans: [prometheus]\n  max_version: TLS12\n"
        )),
        [false, true, false, false]
    );
}

#[test]
fn speaks_http2_over_tls() {
    let (authority, dir) = (Authority::new(), Dir::new("http2"));
    dir.certify(&authority.issue("localhost"));
    let client = authority.client(None, &[b"h2", b"http/1.1"]);
    let server = server(open(&dir.write("web.yml", TLS)));
    let address = server.address;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let connector = TlsConnector::from(Arc::clone(&client));
    let texts = runtime.unwrap().block_on(async move {
        let socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let socket = connector.connect(name, socket).await.unwrap();
        assert_eq!(socket.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) = hyper::client::conn::http2::handshake::<_, _, Empty<&[u8]>>(
            TokioExecutor::new(),
            TokioIo::new(socket),
        )
        .await
        .unwrap();
        tokio::spawn(connection);
        let mut texts = Vec::new();
        for _ in 0..3 {
            let request = Request::get("https://localhost/metrics");
            let request = request.body(Empty::new()).unwrap();
            let answer = sender.send_request(request).await.unwrap();
            assert_eq!(answer.status(), 200);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            texts.push(String::from_utf8(body.to_vec()).unwrap());
        }
        texts
    });
    assert!(texts.iter().all(|text| text.contains("answer 42\n")));
    drop(server);

    let off = format!("{TLS}http_server_config:\n  http2: false\n");
    let server = self::server(open(&dir.write("web.yml", &off)));
    let client = connect(server.address, &client).unwrap();
    assert_eq!(client.0.get_ref().conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn waits_for_no_handshake_that_dawdles() {
    let (authority, dir) = (Authority::new(), Dir::new("dawdles"));
    dir.certify(&authority.issue("localhost"));
    let soon = Duration::from_secs(1);
    let settings = Settings {
        connections: 3,
        header_timeout: soon,
        idle_timeout: soon,
        ..Settings::default()
    };
    let web = open(&dir.write("web.yml", TLS));
    let mut server = Server::behind(Some(web), vec![("loadavg", answers())], settings);
    let mut silent = server.connect();
    let mut half = server.connect();
    half.send("\u{16}\u{3}\u{1}\u{2}");
    let mut idle = connect(server.address, &authority.client(None, &[b"h2"])).unwrap();
    let mut fourth = server.connect();
    assert_eq!(fourth.rest(), b"");
    for client in [&mut silent, &mut half] {
        let _alert = client.rest();
    }
    let mut rest = Vec::new();
    let _truncated = idle.0.read_to_end(&mut rest);
    let client = authority.client(None, &[]);
    eventually(|| {
        let mut client = connect(server.address, &client).ok()?;
        Some(status(&mut client, "/healthz", "")).filter(|&status| status == 200)
    });

    let mut silent = server.connect();
    server.stop();
    assert_eq!(silent.rest(), b"", "is not waited for");
}

#[test]
fn turns_away_who_asks_too_often() {
    let dir = Dir::new("rate");
    let path = dir.write("web.yml", "rate_limit:\n  interval: 24h\n  burst: 2\n");
    let server = server(open(&path));
    let mut client = server.connect();
    let mut status = || client.get("/healthz").status;
    assert_eq!([status(), status(), status()], [200, 200, 429]);
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let (authority, dir) = (Authority::new(), Dir::new("wrong"));
    let (one, two) = (authority.issue("localhost"), authority.issue("localhost"));
    dir.write("one.pem", &one.certificate_pem());
    dir.write("key.pem", &two.key_pem());
    dir.write("none.pem", "");
    let said = |text: &str| {
        let path = dir.write("web.yml", text);
        let error = Web::open(&path).unwrap_err().to_string();
        error.replace(dir.0.to_str().unwrap(), "DIR")
    };
    let tls = |rest: &str| said(&format!("tls_server_config: {{{rest}}}\n"));
    let flag = "--web.config.file: DIR/web.yml";
    assert_eq!(said("\nx: 1"), format!("{flag}: line 2: the file: unknown name \"x\""));
    assert_eq!(
        tls("cert_file: no.pem, key_file: key.pem"),
        format!("{flag}: cert_file: DIR/no.pem: no such file")
    );
    assert_eq!(
        tls("cert_file: none.pem, key_file: key.pem"),
        format!("{flag}: cert_file: DIR/none.pem: no certificate in PEM")
    );
    assert_eq!(
        tls("cert_file: one.pem, key_file: one.pem"),
        format!("{flag}: key_file: DIR/one.pem: no private key in PEM")
    );
    let mismatch = tls("cert_file: one.pem, key_file: key.pem");
    let begin = format!("{flag}: cert_file: DIR/one.pem and key_file: DIR/key.pem: ");
    assert!(mismatch.starts_with(&begin), "{mismatch}");
    let missing = Web::open(&dir.0.join("missing")).unwrap_err().to_string();
    assert!(missing.ends_with("/missing: no such file"), "{missing}");
}
