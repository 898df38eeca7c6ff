//! Questions to the driver of a network interface: the `SIOCETHTOOL` ioctl.

use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// Longer than any answer: room for the names of some 130,000 counters.
const LONGEST: usize = 4 * 1024 * 1024;
const PAGE: usize = 64 * 1024;

/// Asks the driver of an interface, of the exporter's own network. The message begins with the number
/// of the question, and is overwritten by the answer as far as it goes.
#[allow(unsafe_code, reason = "no crate at hand offers this ioctl")]
pub(super) fn ethtool(interface: &[u8], message: &mut [u8]) -> io::Result<()> {
    const SIOCETHTOOL: libc::Ioctl = 0x8946;
    const NAME: usize = libc::IFNAMSIZ;
    if interface.is_empty() || interface.len() >= NAME || message.len() > LONGEST {
        return Err(Errno::EINVAL.into());
    }
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // How much the kernel writes is the driver's decision, not the length of the message: a driver may
    // have more counters by now than it had when it was asked for their number. So it writes into
    // memory of its own, with a page behind it that nobody may write to.
    //
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no other memory.
    let window = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        libc::mmap(std::ptr::null_mut(), LONGEST + PAGE, libc::PROT_NONE, flags, -1, 0)
    };
    if window == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the first LONGEST bytes of the mapping are made readable and writable, and are used by
    // nobody else; the message fits into them. The request and what its `ifr_data` points to outlive
    // the call. The kernel writes upwards from the start of the window; where it would write past
    // LONGEST bytes it meets pages without rights, stops, and answers EFAULT. The window is unmapped
    // once, after its last use.
    let answered = unsafe {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let answered = Errno::result(libc::mprotect(window, LONGEST, rights)).and_then(|_| {
            let bytes = window.cast::<u8>();
            bytes.copy_from_nonoverlapping(message.as_ptr(), message.len());
            let mut request: libc::ifreq = std::mem::zeroed();
            for (slot, byte) in request.ifr_name.iter_mut().zip(interface) {
                *slot = libc::c_char::from_ne_bytes([*byte]);
            }
            request.ifr_ifru.ifru_data = window.cast();
            let done = libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request);
            let done = Errno::result(done)?;
            bytes.copy_to_nonoverlapping(message.as_mut_ptr(), message.len());
            Ok(done)
        });
        libc::munmap(window, LONGEST + PAGE);
        answered
    };
    answered?;
    Ok(())
}
