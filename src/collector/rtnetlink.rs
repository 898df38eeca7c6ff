//! Questions to rtnetlink whose answers know interfaces by number alone.

use std::io;

use super::changes::{Changes, Seen};
use crate::kernel::netlink::{GROUP_LINK, Message, Said, get_link};
use crate::system::netlink::Socket;

/// Asks, and knows the names of interfaces.
pub struct Rtnetlink {
    ask: Socket,
    /// Tells when an interface is renamed or gone.
    events: Socket,
    /// Names that were asked for, by their interfaces' indices.
    names: Vec<(u32, String)>,
    seen: Seen,
}

impl Rtnetlink {
    /// Opens the sockets. An error where netlink may not be used.
    pub fn open() -> io::Result<Self> {
        let events = Socket::listen(GROUP_LINK)?;
        Ok(Self { ask: Socket::open()?, events, names: Vec::new(), seen: Seen::default() })
    }

    /// Asks, and hands on the answers. After an error, open anew.
    pub fn ask<const N: usize>(
        &mut self,
        changes: &mut Changes,
        request: impl FnOnce(u32) -> [u8; N],
        each: impl FnMut(&Message<'_>),
    ) -> io::Result<()> {
        if changes.links(&mut self.seen) {
            self.hear()?;
        }
        let Self { ask, .. } = self;
        ask.ask_messages(request, each)
    }

    /// Forgets the names of interfaces that changed.
    fn hear(&mut self) -> io::Result<()> {
        let Self { events, names, .. } = self;
        let heard = events.events(|said| {
            let changed = match said {
                Said::Link(link) => Some(link.index),
                Said::Gone(index) => Some(index),
                Said::Done | Said::Refused(_) | Said::Stats(..) | Said::Other => None,
            };
            names.retain(|(index, _)| Some(*index) != changed);
        });
        if heard.is_err() {
            // More happened than the socket holds. A new one is empty.
            *events = Socket::listen(GROUP_LINK)?;
            names.clear();
        }
        Ok(())
    }

    /// The name of an interface; `None` if it is gone.
    pub fn name(&mut self, index: u32) -> Option<&str> {
        let Self { ask, names, .. } = self;
        let known = names.iter().position(|(known, _)| *known == index);
        let place = match known {
            Some(place) => place,
            None => {
                let mut name = None;
                let answered = ask.ask(
                    |n| get_link(n, index),
                    |said| {
                        if let Said::Link(link) = said {
                            name = Some(String::from_utf8_lossy(link.name).into_owned());
                        }
                    },
                );
                // Whatever is wrong, the name is not to be had.
                answered.ok()?;
                names.push((index, name?));
                names.len() - 1
            }
        };
        names.get(place).map(|(_, name)| name.as_str())
    }
}
