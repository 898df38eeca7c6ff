//! Who may ask: `Authorization: Basic`, and passwords that only their bcrypt hashes are known of.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::{hmac, rand};
use tokio::sync::Semaphore;

/// How many passwords that were right are remembered.
const REMEMBERED: usize = 64;

/// The users of a configuration, with the bcrypt hashes of their passwords.
#[derive(Debug, Default)]
pub(super) struct Users {
    hashes: HashMap<String, String>,
    /// What the password of an unknown user is compared with: as dear as that of a known one, so that
    /// the time does not tell which names there are.
    nobody: String,
}

impl Users {
    pub(super) fn new(hashes: HashMap<String, String>) -> Self {
        let cost = |hash: &String| hash.get(4..6).map(str::to_owned);
        let cost = hashes.values().filter_map(cost).max();
        let cost = cost.unwrap_or_else(|| "10".into());
        let nobody = format!("$2b${cost}$......................{}", ".".repeat(31));
        Self { hashes, nobody }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Compares passwords with hashes, one at a time: each takes tens of milliseconds of a processor.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    turn: Arc<Semaphore>,
    /// Of this process alone.
    key: hmac::Key,
    /// Who was right: keyed hashes of a user, the hash and the password together.
    right: Mutex<VecDeque<[u8; 32]>>,
}

impl Doorkeeper {
    /// Fails if the kernel gives no random numbers.
    pub(super) fn new() -> Option<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rand::SystemRandom::new()).ok()?;
        Some(Self { turn: Arc::new(Semaphore::new(1)), key, right: Mutex::default() })
    }

    /// Whether a request with this `Authorization` comes from one of the users.
    pub(super) async fn knows(&self, users: &Arc<Users>, header: Option<&HeaderValue>) -> bool {
        if users.is_empty() {
            return true;
        }
        let Some(Credentials { user, password }) = header.and_then(credentials) else {
            return false;
        };
        let known = users.hashes.get(&user);
        let hash = known.unwrap_or(&users.nobody).clone();
        let seal = self.seal(&user, &hash, &password);
        if known.is_some() && self.remembers(&seal) {
            return true;
        }
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else { return false };
        let compare = move || {
            let _turn = turn;
            bcrypt::verify(password, &hash).unwrap_or(false)
        };
        let right = tokio::task::spawn_blocking(compare).await;
        if right.is_ok_and(|right| right) && known.is_some() {
            self.remember(seal);
            return true;
        }
        false
    }

    /// One number for a user, the hash of the password, and a password. Nobody outside can make one,
    /// so that how long a comparison takes tells nothing.
    fn seal(&self, user: &str, hash: &str, password: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [user.as_bytes(), hash.as_bytes(), password] {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut seal = [0; 32];
        for (to, from) in seal.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        seal
    }

    fn remembers(&self, seal: &[u8; 32]) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        right.contains(seal)
    }

    fn remember(&self, seal: [u8; 32]) {
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= REMEMBERED {
            right.pop_front();
        }
        right.push_back(seal);
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: Vec<u8>,
}

/// Parses `Basic dXNlcjpwYXNzd29yZA==`.
fn credentials(header: &HeaderValue) -> Option<Credentials> {
    let (scheme, coded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = BASE64_STANDARD.decode(coded).ok()?;
    let colon = text.iter().position(|&b| b == b':')?;
    let (user, password) = text.split_at_checked(colon)?;
    let user = str::from_utf8(user).ok()?.to_owned();
    Some(Credentials { user, password: password.get(1..)?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(user: &str, password: &str) -> HeaderValue {
        let coded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        HeaderValue::try_from(format!("basic {coded}")).unwrap()
    }

    #[test]
    fn takes_credentials_apart() {
        let parsed = credentials(&header("me", "a:b"));
        assert_eq!(parsed, Some(Credentials { user: "me".into(), password: b"a:b".into() }));
        for odd in ["", "Basic", "Basic ", "Basic !", "Basic bm8=", "Bearer bWU6YQ=="] {
            assert_eq!(credentials(&HeaderValue::from_static(odd)), None, "{odd}");
        }
    }

    #[tokio::test]
    async fn knows_users_by_their_passwords() {
        let hash = |password: &str| bcrypt::hash(password, 4).unwrap();
        let users = HashMap::from([("me".into(), hash("secret")), ("you".into(), hash(""))]);
        let users = Arc::new(Users::new(users));
        let doorkeeper = Doorkeeper::new().unwrap();
        for _ in 0..2 {
            for (user, password, known) in [
                ("me", "secret", true),
                ("me", "", false),
                ("me", "secret ", false),
                ("you", "", true),
                ("you", "secret", false),
                ("nobody", "secret", false),
                ("", "", false),
            ] {
                let header = header(user, password);
                assert_eq!(doorkeeper.knows(&users, Some(&header)).await, known, "{user}");
            }
        }
        assert!(!doorkeeper.knows(&users, None).await);
        assert_eq!(doorkeeper.right.lock().unwrap().len(), 2, "each once, and none that was wrong");
        let changed = HashMap::from([("me".into(), hash("other"))]);
        let changed = Arc::new(Users::new(changed));
        assert!(
            !doorkeeper
                .knows(&changed, Some(&header("me", "secret")))
                .await
        );
        assert!(doorkeeper.knows(&Arc::default(), None).await, "nobody is asked");
    }

    #[test]
    fn compares_the_unknown_with_a_hash_as_dear() {
        let users = Users::new(HashMap::from([("me".into(), bcrypt::hash("x", 5).unwrap())]));
        assert_eq!(
            users
                .nobody
                .parse::<bcrypt::HashParts>()
                .unwrap()
                .get_cost(),
            5
        );
    }
}
