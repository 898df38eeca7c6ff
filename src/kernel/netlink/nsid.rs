//! Numbers of network namespaces: by these the messages about interfaces tell where the other end of
//! one is. Each namespace numbers the others in its own way. Since Linux 4.0.

use super::{Message, NLM_F_ACK, NLM_F_REQUEST, attributes, message};

const RTM_NEWNSID: u16 = 88;
const RTM_GETNSID: u16 = 90;
const NETNSA_NSID: u16 = 1;
const NETNSA_PID: u16 = 2;

impl Message<'_> {
    /// The number of the namespace that was asked for. `None` if it has none, as one has to which no
    /// interface leads.
    pub fn namespace(&self) -> Option<u32> {
        /// `struct rtgenmsg`, filled up to four.
        const RTGENMSG: usize = 4;
        if self.kind != RTM_NEWNSID {
            return None;
        }
        let (_, number) =
            attributes(self.body.get(RTGENMSG..)?).find(|(kind, _)| *kind == NETNSA_NSID)?;
        super::i32_at(number, 0)?.try_into().ok()
    }
}

/// Asks for the number of the namespace that a process is in.
pub fn get_namespace(sequence: u32, pid: u32) -> [u8; 28] {
    let [a, b] = 8u16.to_ne_bytes();
    let [c, d] = NETNSA_PID.to_ne_bytes();
    let parts: [&[u8]; 3] = [&[0; 4], &[a, b, c, d], &pid.to_ne_bytes()];
    message(RTM_GETNSID, NLM_F_REQUEST | NLM_F_ACK, sequence, &parts)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attribute, message};
    use super::super::{messages, u16_at, u32_at};
    use super::*;

    #[test]
    fn reads_numbers_and_none() {
        let said = |number: i32| {
            let number = attribute(NETNSA_NSID, &number.to_ne_bytes());
            let datagram = message(RTM_NEWNSID, 1, &[&[0; 4], &number]);
            messages(&datagram).next().unwrap().namespace()
        };
        assert_eq!((said(7), said(-1)), (Some(7), None));
        let cut = message(RTM_NEWNSID, 1, &[&[0; 6]]);
        assert_eq!(messages(&cut).next().unwrap().namespace(), None);
        let other = message(16, 1, &[&[0; 4], &attribute(NETNSA_NSID, &7i32.to_ne_bytes())]);
        assert_eq!(messages(&other).next().unwrap().namespace(), None);
    }

    #[test]
    fn asks_as_the_kernel_reads() {
        let asked = get_namespace(5, 42);
        assert_eq!((u32_at(&asked, 0), u16_at(&asked, 4)), (Some(28), Some(RTM_GETNSID)));
        assert_eq!(attributes(&asked[20..]).next(), Some((NETNSA_PID, &42u32.to_ne_bytes()[..])));
    }
}
