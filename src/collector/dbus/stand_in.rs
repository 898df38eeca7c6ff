//! Services made up, for the tests of those who ask them.

use std::path::Path;

use tokio::net::UnixListener;
use tokio::runtime::Builder as Runtime;
use zbus::connection::Builder;

/// Makes a service's objects known on a connection.
pub(crate) type Serve = fn(Builder<'static>) -> zbus::Result<Builder<'static>>;

/// Listens at a path from now on, and serves each that connects: as the service itself does, and as
/// a bus that has this one service.
pub(crate) fn listen(path: &Path, serve: Serve) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let runtime = Runtime::new_current_thread().enable_all().build().unwrap();
    let entered = runtime.enter();
    let listener = UnixListener::bind(path).unwrap();
    drop(entered);
    std::thread::spawn(move || {
        runtime.block_on(async {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Builder::unix_stream(stream).p2p();
                let connection = connection.server(zbus::Guid::generate()).unwrap();
                let connection = connection.serve_at("/org/freedesktop/DBus", Bus).unwrap();
                open.push(serve(connection).unwrap().build().await);
            }
        });
    });
}

struct Bus;

#[zbus::interface(name = "org.freedesktop.DBus")]
impl Bus {
    #[expect(clippy::unused_self, reason = "a method of D-Bus has an object")]
    fn hello(&self) -> &'static str {
        ":1.1"
    }
}
