//! Stand-ins for Docker and the ECS agent: real sockets, invented answers.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A Docker of our own, until it is dropped.
pub(crate) struct Docker {
    pub(crate) socket: PathBuf,
    world: Arc<World>,
    _serving: JoinSet<()>,
}

/// What it says.
pub(crate) struct World {
    state: Mutex<State>,
    events: broadcast::Sender<String>,
    /// Questions put so far.
    asked: watch::Sender<u64>,
}

#[derive(Default)]
pub(crate) struct State {
    /// The answers to inspects, by id.
    pub(crate) containers: BTreeMap<String, Vec<u8>>,
    /// The list, where it is not made of the containers.
    pub(crate) list: Option<Vec<u8>>,
    /// Containers of which it never says anything.
    pub(crate) mute: Vec<String>,
    /// How often each path was asked for.
    pub(crate) paths: HashMap<String, u64>,
    /// Inspects that are being answered, and the most there were.
    pub(crate) at_once: usize,
    pub(crate) most_at_once: usize,
}

impl Docker {
    pub(crate) fn new(socket: &Path) -> Self {
        let _none = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).unwrap();
        let world = Arc::new(World {
            state: Mutex::default(),
            events: broadcast::channel(10_000).0,
            asked: watch::Sender::new(0),
        });
        let mut serving = JoinSet::new();
        let served = Arc::clone(&world);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { socket: socket.into(), world, _serving: serving }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.world.state.lock().unwrap()
    }

    /// Adds a container, and says nothing of it.
    pub(crate) fn add(&self, id: &str, inspect: impl Into<Vec<u8>>) {
        self.state().containers.insert(id.into(), inspect.into());
    }

    /// Tells of an event.
    pub(crate) fn event(&self, action: &str, id: &str) {
        let event = format!(
            r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"{id}","Attributes":{{}}}},"scope":"local","time":1,"timeNano":1}}"#
        );
        self.say(&event);
    }

    /// Says something to those who listen for events.
    pub(crate) fn say(&self, line: &str) {
        let _nobody = self.world.events.send(format!("{line}\n"));
    }

    /// Waits until somebody listens for events.
    pub(crate) async fn listened_to(&self) {
        let mut asked = self.world.asked.subscribe();
        asked
            .wait_for(|_| self.world.events.receiver_count() > 0)
            .await
            .unwrap();
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, world: Arc<World>) {
    let service = service_fn(|request: Request<Incoming>| {
        let world = Arc::clone(&world);
        async move { Ok::<_, Infallible>(world.answer(request.uri().path()).await) }
    });
    let _ended = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl World {
    async fn answer(&self, path: &str) -> Response<Body> {
        let path = match path.split_once("/v1.41") {
            Some(("", path)) => path,
            _ => path,
        };
        *self
            .state
            .lock()
            .unwrap()
            .paths
            .entry(path.into())
            .or_default() += 1;
        let answer = match path {
            "/version" => full(
                200,
                r#"{"Version":"20.10.24+dfsg1","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#,
            ),
            "/_ping" => full(200, "OK"),
            "/events" => self.listen(),
            "/containers/json" => full(200, self.list()),
            _ => match path
                .strip_prefix("/containers/")
                .and_then(|path| path.strip_suffix("/json"))
            {
                Some(id) => self.inspect(id).await,
                None => full(400, r#"{"message":"client version is too new"}"#),
            },
        };
        self.asked.send_modify(|asked| *asked += 1);
        answer
    }

    fn listen(&self) -> Response<Body> {
        let events = self.events.subscribe();
        let lines = stream::unfold(events, |mut events| async {
            let line = events.recv().await.ok()?;
            Some((Ok(Frame::data(Bytes::from(line))), events))
        });
        Response::new(StreamBody::new(lines).boxed_unsync())
    }

    fn list(&self) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let line = |id: &String| format!(r#"{{"Id":"{id}","State":"running"}}"#);
        let lines: Vec<_> = state.containers.keys().map(line).collect();
        state
            .list
            .clone()
            .unwrap_or_else(|| format!("[{}]", lines.join(",")).into())
    }

    async fn inspect(&self, id: &str) -> Response<Body> {
        let answer = {
            let mut state = self.state.lock().unwrap();
            state.at_once += 1;
            state.most_at_once = state.most_at_once.max(state.at_once);
            if state.mute.iter().any(|mute| mute == id) {
                None
            } else {
                Some(state.containers.get(id).cloned())
            }
        };
        let Some(answer) = answer else { return std::future::pending().await };
        tokio::task::yield_now().await;
        self.state.lock().unwrap().at_once -= 1;
        match answer {
            Some(answer) => full(200, answer),
            None => full(404, r#"{"message":"No such container"}"#),
        }
    }
}

fn full(status: u16, body: impl Into<Bytes>) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Full::new(body.into()).boxed_unsync())
        .unwrap()
}

/// What the stand-in agent does when it is asked.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Says this: of the host, and of its tasks.
    Says(&'static str, String),
    /// Never answers.
    Mute,
    /// Says this, and it is no HTTP.
    Blurts(Vec<u8>),
}

/// An agent of our own, until it is dropped.
pub(crate) struct Agent {
    pub(crate) address: String,
    manner: watch::Sender<Manner>,
    /// How often it was asked for its tasks, or at all.
    asked: watch::Sender<u64>,
    _serving: JoinSet<()>,
}

impl Agent {
    pub(crate) async fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (manner, asked) = (watch::Sender::new(manner), watch::Sender::new(0));
        let mut serving = JoinSet::new();
        let (told, counted) = (manner.subscribe(), asked.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let manner = told.borrow().clone();
                let counted = counted.clone();
                connections.spawn(async move { behave(stream, manner, &counted).await });
            }
        });
        Self { address, manner, asked, _serving: serving }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// Waits until it was asked so often.
    pub(crate) async fn asked(&self, times: u64) {
        let mut asked = self.asked.subscribe();
        asked.wait_for(|asked| *asked >= times).await.unwrap();
    }
}

async fn behave(stream: tokio::net::TcpStream, manner: Manner, counted: &watch::Sender<u64>) {
    let (metadata, tasks) = match manner {
        Manner::Says(metadata, tasks) => (metadata, tasks),
        Manner::Mute => {
            counted.send_modify(|asked| *asked += 1);
            return std::future::pending().await;
        }
        Manner::Blurts(bytes) => {
            counted.send_modify(|asked| *asked += 1);
            let _gone = stream.writable().await;
            let _sent = stream.try_write(&bytes);
            return;
        }
    };
    let service = service_fn(|request: Request<Incoming>| {
        let body = match request.uri().path() {
            "/v1/metadata" => metadata.to_owned(),
            "/v1/tasks" => {
                counted.send_modify(|asked| *asked += 1);
                tasks.clone()
            }
            _ => r#"{"AvailableCommands":["/v1/metadata","/v1/tasks","/license"]}"#.to_owned(),
        };
        // In pieces, as the agent does.
        let pieces: Vec<_> = body
            .into_bytes()
            .chunks(2048)
            .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))))
            .collect();
        async { Ok::<_, Infallible>(Response::new(StreamBody::new(stream::iter(pieces)))) }
    });
    let _ended = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The metadata endpoint of tasks, until it is dropped.
pub(crate) struct Endpoint {
    pub(crate) address: String,
    /// Status and body, by path. What is not there is 404.
    pub(crate) answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    /// What was asked for.
    pub(crate) asked: watch::Sender<Vec<String>>,
    _serving: JoinSet<()>,
}

impl Endpoint {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers: Arc<Mutex<HashMap<String, (u16, String)>>> = Arc::default();
        let asked = watch::Sender::new(Vec::new());
        let mut serving = JoinSet::new();
        let (told, counted) = (Arc::clone(&answers), asked.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (told, counted) = (Arc::clone(&told), counted.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let path = request.uri().path().to_owned();
                    let answer = told.lock().unwrap().get(&path).cloned();
                    let (status, body) = answer.unwrap_or((404, "\"no\"".into()));
                    counted.send_modify(|asked| asked.push(path));
                    async move { Ok::<_, Infallible>(full(status, body)) }
                });
                connections.spawn(async move {
                    let _ended = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, answers, asked, _serving: serving }
    }

    /// Has it say this of a task.
    pub(crate) fn say(&self, id: &str, status: u16, body: String) {
        self.answers
            .lock()
            .unwrap()
            .insert(format!("/v4/{id}/task"), (status, body));
    }
}
