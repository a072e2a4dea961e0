//! Start, serve, stop. Owns the lock around the world, the accept loop and the writer of the state.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, State},
    middleware,
    response::IntoResponse,
};
use http::{Request, Response};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use tower::ServiceExt;

use crate::{
    calls::{Call, CallLog, CallQuery, MethodSummary},
    config::Config,
    control,
    error::{ApiError, Reason},
    faults::{self, Faults, Fired, Hangup, Style},
    gmail,
    keys::{KeyError, Keys},
    limits::Limiter,
    oauth, pages, pubsub,
    state::World,
    stopwatch::Stopwatch,
    store::{StateError, Store},
};

/// Gmail's largest limit for an uploaded mail, with room for the envelope around it.
const BODY_LIMIT: usize = 157_286_400 + 1_048_576;
/// Writes that follow one another closely are saved once.
const SAVE_AFTER: Duration = Duration::from_millis(200);
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Why the simulator did not start, or could not be stopped cleanly.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    #[error("could not listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// What all handlers share.
pub(crate) struct Sim {
    pub config: Config,
    pub issuer: String,
    pub base: String,
    pub http: reqwest::Client,
    pub limiter: Limiter,
    pub uploads: gmail::Sessions,
    world: Mutex<World>,
    keys: Mutex<Keys>,
    faults: Mutex<Faults>,
    calls: Mutex<CallLog>,
    /// Locked before the world where both are; `None`: in memory only.
    store: Mutex<Option<Store>>,
    /// Changes so far, and how many of them are on disk.
    changes: AtomicU64,
    saved: AtomicU64,
    dirty: Notify,
    pushes: mpsc::UnboundedSender<String>,
    /// Raised with every notification that was delivered.
    pub delivered: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

/// A panic while holding a lock leaves plain data behind, which the next caller can still read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&lock(&self.world))
    }

    /// Changes the world, hands new notifications to the deliverer and marks the state for saving.
    pub fn write<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.with(true, change)
    }

    /// [`Self::write`]; with `changes` false the caller promises that there is nothing to save.
    pub fn with<T>(&self, changes: bool, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = lock(&self.world);
        let result = change(&mut world);
        let pushes = world.publish(self.config.push_rate_limit);
        if changes {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        drop(world);
        self.start_pushes(pushes);
        if changes {
            self.dirty.notify_one();
        }
        result
    }

    /// Hands notifications that stand in the state to the deliverer.
    pub fn start_pushes(&self, ids: Vec<String>) {
        for id in ids {
            if self.pushes.send(id).is_err() {
                tracing::debug!("stopping: the push waits in the state");
            }
        }
    }

    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    pub fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        lock(&self.keys).sign(claims)
    }

    pub fn jwks(&self) -> Value {
        lock(&self.keys).jwks()
    }

    pub fn rotate_key(&self) -> Result<(), KeyError> {
        lock(&self.keys).rotate(self.config.state_dir.as_deref())
    }

    /// The keys and, below, the faults: each behind a lock of its own.
    pub fn keys<T>(&self, look: impl FnOnce(&Keys) -> T) -> T {
        look(&lock(&self.keys))
    }

    pub fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        change(&mut lock(&self.faults))
    }

    pub fn calls(&self, query: &CallQuery) -> Vec<Call> {
        lock(&self.calls).matching(query)
    }

    pub fn call_summary(&self) -> Vec<MethodSummary> {
        lock(&self.calls).summary()
    }

    pub fn clear_calls(&self) {
        lock(&self.calls).clear();
    }

    /// Writes a call into the log, which sets its number and its time.
    pub fn log(&self, call: Call) {
        let at_ms = self.read(World::now_ms);
        lock(&self.calls).push(Call { at_ms, ..call });
    }

    /// Counts a call for the faults that are set, and returns what they do to it.
    pub fn fired(&self, method: &str, account: Option<&str>) -> Vec<Fired> {
        lock(&self.faults).hit(method, account)
    }

    /// Runs one API call under the faults that are set, and logs it.
    pub async fn call(
        &self,
        method: &str,
        account: Option<String>,
        units: u32,
        style: Style,
        work: impl FnOnce() -> axum::response::Response,
    ) -> axum::response::Response {
        self.call_since(Stopwatch::start(), method, account, units, style, work).await
    }

    /// [`Self::call`] for which work was done already since `watch` was started.
    pub async fn call_since(
        &self,
        mut watch: Stopwatch,
        method: &str,
        account: Option<String>,
        units: u32,
        style: Style,
        work: impl FnOnce() -> axum::response::Response,
    ) -> axum::response::Response {
        let faults::Outcome { response, changed, faults } =
            faults::around(self, method, account.as_deref(), style, &mut watch, work).await;
        let dropped = response.extensions().get::<Hangup>().is_some();
        let status = if dropped { 0 } else { response.status().as_u16() };
        let reason = response.extensions().get::<Reason>().map(|reason| reason.0.clone());
        self.log(Call {
            account,
            method: method.to_owned(),
            units,
            status,
            reason,
            fault: changed,
            faults,
            service_us: watch.microseconds(),
            ..Call::default()
        });
        response
    }

    /// Changes that are not on disk yet.
    pub fn unsaved_changes(&self) -> u64 {
        let saved = self.saved.load(Ordering::Relaxed);
        self.changes.load(Ordering::Relaxed).saturating_sub(saved)
    }

    /// Saves what changed. Only taking it happens under the world's lock; writing it keeps nobody waiting.
    fn save(&self) -> Result<(), StateError> {
        let mut store = lock(&self.store);
        let mut world = lock(&self.world);
        let taken = self.changes.load(Ordering::Relaxed);
        match store.as_mut() {
            None => world.accounts.values_mut().for_each(|account| drop(account.mailbox.take_unsaved())),
            Some(store) => {
                store.collect(&mut world)?;
                drop(world);
                store.commit()?;
            }
        }
        self.saved.store(taken, Ordering::Relaxed);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulator depends on nothing of ours, so has a client of its own")]
fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()
}

/// Resolves when the server is to stop; a sender that is gone means the same.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() {
        if stopping.changed().await.is_err() {
            return;
        }
    }
}

/// The simulator, not yet running.
pub struct Simulator;

impl Simulator {
    /// Binds the loopback port, loads the state and serves until [`Running::stop`].
    pub async fn start(config: Config) -> Result<Running, SimulatorError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port))
            .await
            .map_err(|source| SimulatorError::Listen { port: config.port, source })?;
        let addr = listener.local_addr().map_err(|source| SimulatorError::Listen { port: config.port, source })?;
        let base = format!("http://127.0.0.1:{}", addr.port());
        let (store, world) = match &config.state_dir {
            Some(dir) => Store::open(dir).map(|(store, world)| (Some(store), world))?,
            None => (None, None),
        };
        let mut world = world.unwrap_or_default();
        world.adopt(&config);
        let waiting: Vec<String> = world.pushes.keys().cloned().collect();
        let (pushes, queue) = mpsc::unbounded_channel();
        let sim = Arc::new(Sim {
            issuer: config.issuer.clone().unwrap_or_else(|| base.clone()),
            base,
            http: client()?,
            limiter: Limiter::default(),
            uploads: gmail::Sessions::default(),
            world: Mutex::new(world),
            keys: Mutex::new(Keys::open(config.state_dir.as_deref())?),
            faults: Mutex::default(),
            calls: Mutex::default(),
            store: Mutex::new(store),
            changes: AtomicU64::new(0),
            saved: AtomicU64::new(0),
            dirty: Notify::new(),
            pushes,
            delivered: watch::Sender::new(0),
            stop: watch::Sender::new(false),
            config,
        });
        sim.save()?;
        let tasks = vec![
            tokio::spawn(serve(listener, sim.clone())),
            tokio::spawn(push(sim.clone(), queue, waiting)),
            tokio::spawn(keep(sim.clone())),
        ];
        Ok(Running { addr, sim, tasks })
    }
}

/// A running simulator. Dropping it without [`Running::stop`] leaves the server up until the runtime ends.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    pub(crate) sim: Arc<Sim>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// The address as a URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.sim.base
    }

    /// Finishes open requests, ends deliveries and writes what is not yet saved.
    pub async fn stop(self) -> Result<(), SimulatorError> {
        self.sim.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the simulator ended badly");
            }
        }
        let saved = self.sim.save();
        // A connection that is not gone yet must not keep the next simulator from this state.
        drop(lock(&self.sim.store).take());
        saved.map_err(Into::into)
    }
}

fn router(sim: Arc<Sim>) -> Router {
    Router::new()
        .merge(oauth::routes())
        .merge(gmail::routes())
        .merge(pages::routes())
        .nest("/_sim", control::routes())
        .method_not_allowed_fallback(unknown)
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(read_whole))
        .with_state(sim)
}

/// Takes the request's body in before anything answers: a body that is left unread makes the server close the
/// connection, and a client that keeps it loses its next call.
async fn read_whole(request: Request<Body>, next: middleware::Next) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(_) => ApiError::new(413, "uploadTooLarge", "Request Entity Too Large").into_response(),
    }
}

/// What is not simulated is refused loudly, and stands in the call log as `unknown`.
async fn unknown(State(sim): State<Arc<Sim>>, method: http::Method) -> axum::response::Response {
    tracing::warn!(%method, "a request for something that is not simulated");
    sim.call("unknown", None, 0, Style::Api, || ApiError::new(404, "notFound", "Not simulated").into_response()).await
}

#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on request")]
struct Dropped;

async fn serve(listener: TcpListener, sim: Arc<Sim>) {
    let app = router(sim.clone());
    let graceful = GracefulShutdown::new();
    let mut stopping = sim.stopping();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            () = stopped(&mut stopping) => break,
        };
        let app = app.clone();
        let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
            let app = app.clone();
            async move {
                let response: Response<Body> = match app.oneshot(request.map(Body::new)).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                if response.extensions().get::<Hangup>().is_some() { Err(Dropped) } else { Ok(response) }
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still open at the stop");
    }
}

async fn push(sim: Arc<Sim>, mut queue: mpsc::UnboundedReceiver<String>, waiting: Vec<String>) {
    let mut deliveries = JoinSet::new();
    for id in waiting {
        deliveries.spawn(pubsub::deliver(sim.clone(), id));
    }
    let mut stopping = sim.stopping();
    loop {
        tokio::select! {
            next = queue.recv() => match next {
                Some(id) => { deliveries.spawn(pubsub::deliver(sim.clone(), id)); }
                None => break,
            },
            Some(ended) = deliveries.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a delivery ended badly");
                }
            }
            () = stopped(&mut stopping) => break,
        }
    }
    while deliveries.join_next().await.is_some() {}
}

async fn keep(sim: Arc<Sim>) {
    let mut stopping = sim.stopping();
    loop {
        tokio::select! {
            () = sim.dirty.notified() => {}
            () = stopped(&mut stopping) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(SAVE_AFTER) => {}
            () = stopped(&mut stopping) => return,
        }
        let saver = sim.clone();
        match tokio::task::spawn_blocking(move || saver.save()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the state was not saved"),
            Err(error) => tracing::error!(%error, "saving ended badly"),
        }
    }
}
