//! Messages of the kernel that lie. Whatever they hold, no parser of them may panic, nor take what is
//! not there.
#![allow(clippy::unwrap_used, reason = "a test")]

use ecs_host_exporter::kernel::netlink::messages;
use ecs_host_exporter::kernel::{btrfs, ethtool};
use proptest::collection::vec;
use proptest::prelude::*;

/// A netlink message of any kind with any body, its length right or wrong.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![Just(None), any::<u32>().prop_map(Some), (0..64u32).prop_map(Some)];
    let kind = prop_oneof![any::<u16>(), 0..200u16];
    (length, kind, body()).prop_map(|(length, kind, body)| {
        let right = u32::try_from(16 + body.len()).unwrap();
        let mut message = length.unwrap_or(right).to_ne_bytes().to_vec();
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(&[0; 10]);
        message.extend_from_slice(&body);
        message
    })
}

/// A fixed part, and a row of attributes whose lengths are right or wrong.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let attribute = (0..60u16, vec(any::<u8>(), 0..40), any::<bool>());
    (vec(any::<u8>(), 0..24), vec(attribute, 0..6)).prop_map(|(mut body, attributes)| {
        for (kind, value, right) in attributes {
            let length = u16::try_from(4 + value.len()).unwrap();
            let length = if right { length } else { length ^ 0x1f };
            body.extend_from_slice(&length.to_ne_bytes());
            body.extend_from_slice(&kind.to_ne_bytes());
            body.extend_from_slice(&value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_any_netlink_message(datagram in vec(message(), 0..4)) {
        for message in messages(&datagram.concat()) {
            let _said = message.said();
            let _said = message.neighbour();
            let _said = message.connection();
            let _said = message.qdisc();
            let _said = message.family();
            let _said = message.wireless();
            let _said = message.network();
            let _said = message.station();
        }
    }

    #[test]
    fn reads_any_answer_of_a_driver(answer in vec(any::<u8>(), 0..300)) {
        let _said = ethtool::port(&answer);
        let _said = ethtool::driver(&answer);
        prop_assert!(ethtool::names(&answer).count() <= answer.len() / 32);
        prop_assert!(ethtool::values(&answer).count() <= answer.len() / 8);
    }

    #[test]
    fn reads_any_answer_of_btrfs(answer in vec(any::<u8>(), 0..4200)) {
        let _said = btrfs::file_system(&answer);
        let _said = btrfs::device(&answer);
        let _said = btrfs::errors(&answer);
    }
}
