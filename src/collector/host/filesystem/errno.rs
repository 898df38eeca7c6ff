//! Errors of `statfs(2)` in the words of `node_exporter`, which are part of a label. The C library's
//! own words differ from one library to the other.

use std::borrow::Cow;

use nix::errno::Errno;

/// The words for an errno.
pub(super) fn text(errno: i32) -> Cow<'static, str> {
    let words = match Errno::from_raw(errno) {
        Errno::EPERM => "operation not permitted",
        Errno::ENOENT => "no such file or directory",
        Errno::EINTR => "interrupted system call",
        Errno::EIO => "input/output error",
        Errno::ENXIO => "no such device or address",
        Errno::EAGAIN => "resource temporarily unavailable",
        Errno::ENOMEM => "cannot allocate memory",
        Errno::EACCES => "permission denied",
        Errno::EFAULT => "bad address",
        Errno::EBUSY => "device or resource busy",
        Errno::ENODEV => "no such device",
        Errno::ENOTDIR => "not a directory",
        Errno::EINVAL => "invalid argument",
        Errno::ENAMETOOLONG => "file name too long",
        Errno::ENOSYS => "function not implemented",
        Errno::ELOOP => "too many levels of symbolic links",
        Errno::ENODATA => "no data available",
        Errno::ECOMM => "communication error on send",
        Errno::EPROTO => "protocol error",
        Errno::EOVERFLOW => "value too large for defined data type",
        Errno::EOPNOTSUPP => "operation not supported",
        Errno::ENETDOWN => "network is down",
        Errno::ENETUNREACH => "network is unreachable",
        Errno::ECONNABORTED => "software caused connection abort",
        Errno::ECONNRESET => "connection reset by peer",
        Errno::ENOTCONN => "transport endpoint is not connected",
        Errno::ESHUTDOWN => "cannot send after transport endpoint shutdown",
        Errno::ETIMEDOUT => "connection timed out",
        Errno::ECONNREFUSED => "connection refused",
        Errno::EHOSTDOWN => "host is down",
        Errno::EHOSTUNREACH => "no route to host",
        Errno::ESTALE => "stale NFS file handle",
        Errno::EUCLEAN => "structure needs cleaning",
        Errno::EREMOTEIO => "remote I/O error",
        Errno::ENOKEY => "required key not available",
        Errno::EKEYEXPIRED => "key has expired",
        Errno::EKEYREVOKED => "key has been revoked",
        _ => return Cow::Owned(format!("errno {errno}")),
    };
    Cow::Borrowed(words)
}
