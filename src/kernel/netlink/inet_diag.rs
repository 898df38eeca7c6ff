//! Sockets of TCP, as `ss` sees them.

use super::{Message, request, u32_at};

const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// Which version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// 4.
    Inet,
    /// 6, and 4 over sockets of 6.
    Inet6,
}

/// A socket of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its state, as `/proc/net/tcp` numbers it.
    pub state: u8,
    /// Bytes that wait to be read; connections that wait to be accepted where it listens.
    pub receive_queue: u32,
    /// Bytes that wait to be sent or confirmed; connections that may wait where it listens.
    pub send_queue: u32,
}

impl Message<'_> {
    /// The socket it tells of: `struct inet_diag_msg`.
    pub fn connection(&self) -> Option<Connection> {
        if self.kind != SOCK_DIAG_BY_FAMILY {
            return None;
        }
        Some(Connection {
            state: *self.body.get(1)?,
            receive_queue: u32_at(self.body, 56)?,
            send_queue: u32_at(self.body, 60)?,
        })
    }
}

/// Asks for all sockets of TCP: `struct inet_diag_req_v2`.
pub fn get_connections(sequence: u32, family: Family) -> [u8; 72] {
    const IPPROTO_TCP: u8 = 6;
    const ALL_STATES: u32 = 0xfff;
    let family = match family {
        Family::Inet => 2,
        Family::Inet6 => 10,
    };
    let head = [family, IPPROTO_TCP, 0, 0];
    request(SOCK_DIAG_BY_FAMILY, sequence, &[&head, &ALL_STATES.to_ne_bytes(), &[0; 48]])
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;
    use crate::kernel::netlink::messages;

    #[test]
    fn reads_sockets() {
        let (rx, tx) = (5u32.to_ne_bytes(), 7u32.to_ne_bytes());
        let whole = message(SOCK_DIAG_BY_FAMILY, 1, &[&[2, 10], &[0; 54], &rx, &tx, &[0; 8]]);
        let listens = Connection { state: 10, receive_queue: 5, send_queue: 7 };
        assert_eq!(messages(&whole).next().unwrap().connection(), Some(listens));
        let cut = message(SOCK_DIAG_BY_FAMILY, 1, &[&[0; 60]]);
        assert_eq!(messages(&cut).next().unwrap().connection(), None);
        assert_eq!(u32_at(&get_connections(9, Family::Inet6), 16), Some(0x060a));
    }
}
