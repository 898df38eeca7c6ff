//! A socket to the kernel's netlink, for the network namespace the exporter is in.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt,
};

use crate::kernel::netlink::{Message, Said, messages};

/// The kernel fills no more of a buffer.
const LARGEST: usize = 32 * 1024;

/// A socket that asks, or one that hears of events.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Box<[u8]>,
}

impl Socket {
    /// A socket to ask with.
    pub fn open() -> io::Result<Self> {
        Self::join(SockProtocol::NetlinkRoute, 0, LARGEST)
    }

    /// A socket to ask about sockets with.
    pub fn open_diag() -> io::Result<Self> {
        Self::join(SockProtocol::NetlinkSockDiag, 0, LARGEST)
    }

    /// A socket to ask families of generic netlink with.
    pub fn open_generic() -> io::Result<Self> {
        Self::join(SockProtocol::NetlinkGeneric, 0, LARGEST)
    }

    /// A socket that hears of the events of `groups`, a few dozen of them until they are read.
    pub fn listen(groups: u32) -> io::Result<Self> {
        /// An event is some 1.5 KiB long.
        const EVENT: usize = 8 * 1024;
        const WAITING: usize = 32 * 1024;
        let socket = Self::join(SockProtocol::NetlinkRoute, groups, EVENT)?;
        setsockopt(&socket.fd, sockopt::RcvBuf, &WAITING)?;
        Ok(socket)
    }

    fn join(protocol: SockProtocol, groups: u32, buffer: usize) -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self { fd, sequence: 0, buffer: vec![0; buffer].into() })
    }

    /// Asks for everything of a kind, and hands on what the kernel says. `request` gets the number
    /// the answer will bear. Never waits: the answer is there as soon as the question is asked.
    pub fn ask<const N: usize>(
        &mut self,
        request: impl FnOnce(u32) -> [u8; N],
        mut each: impl FnMut(Said<'_>),
    ) -> io::Result<()> {
        self.ask_messages(request, |message| each(message.said()))
    }

    /// As [`ask`](Self::ask), of answers that say something else than an interface does.
    pub fn ask_messages<const N: usize>(
        &mut self,
        request: impl FnOnce(u32) -> [u8; N],
        mut each: impl FnMut(&Message<'_>),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        send(self.fd.as_raw_fd(), &request(sequence), MsgFlags::empty())?;
        loop {
            for message in self.receive()?.filter(|m| m.sequence == sequence) {
                match message.said() {
                    Said::Done => return Ok(()),
                    Said::Refused(errno) => return Err(io::Error::from_raw_os_error(errno)),
                    _ => each(&message),
                }
            }
        }
    }

    /// Hands on the events that came since the last time. An error where some were lost.
    pub fn events(&mut self, mut each: impl FnMut(Said<'_>)) -> io::Result<()> {
        loop {
            match self.receive() {
                Ok(messages) => messages.for_each(|message| each(message.said())),
                Err(Errno::EAGAIN) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn receive(&mut self) -> Result<impl Iterator<Item = Message<'_>>, Errno> {
        let length = recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_TRUNC)?;
        // The length is that of the whole datagram, even of one that was cut to the buffer.
        let datagram = self.buffer.get(..length).ok_or(Errno::EMSGSIZE)?;
        Ok(messages(datagram))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
