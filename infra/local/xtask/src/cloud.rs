//! The local cloud as a whole: started, found again from another process, stopped.

use crate::aws_http::{self, AwsHttp, point};
use crate::deploy::{Deployment, Stack};
use crate::front_door::FrontDoor;
use crate::google::{self, Google};
use crate::package;
use crate::ports;
use crate::process::{ProcessId, Service};
use crate::progress::Progress;
use crate::tools::Tools;
use crate::workspace::Workspace;
use crate::{Context, Error, Result, demo, reset};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Names the file of a running cloud that test suites use instead of starting one each.
pub const SHARED: &str = "POSTROOM_LOCAL_CLOUD";

const CLIENT_ID: &str = "postroom-local.apps.googleusercontent.test";
/// How long a server may take until it answers; it only ends a hang.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// MiniStack writes its whole state when it stops.
const AWS_PATIENCE: Duration = Duration::from_secs(60);
const GOOGLE_PATIENCE: Duration = Duration::from_secs(15);

/// Ports on the loopback address; 0 is any free one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
    pub front: u16,
    pub aws: u16,
    pub google: u16,
}

#[derive(Debug, Clone)]
pub struct Options {
    /// The folder for state and logs.
    pub home: PathBuf,
    pub ports: Ports,
    pub stack: String,
    /// Template parameters that replace the local defaults.
    pub parameters: BTreeMap<String, String>,
    /// Receivers of notifications on this machine that the functions may reach, as `host:port` by commas.
    pub receivers: String,
    /// Whether the demo knowledge base is put in.
    pub knowledge: bool,
    pub progress: Progress,
    /// Whether state and logs of the home are removed first.
    pub reset: bool,
    /// Whether cargo shows what it compiles.
    pub quiet: bool,
}

impl Options {
    /// Any free ports, no output: for tests.
    pub fn isolated(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            ports: Ports::default(),
            stack: "postroom".into(),
            parameters: BTreeMap::new(),
            receivers: String::new(),
            knowledge: true,
            progress: Progress::silent(),
            reset: false,
            quiet: true,
        }
    }
}

/// Where a running cloud is. It is also what the file `cloud.json` of its home holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    /// Origin of console, OAuth redirect and push, without a final slash.
    pub front_door: String,
    /// AWS endpoint; the credentials are `test` and `test`.
    pub aws: String,
    /// Google simulator.
    pub google: String,
    pub home: PathBuf,
    pub stack: Stack,
    supervisor: ProcessId,
    services: Vec<(String, ProcessId)>,
}

impl Place {
    /// The cloud that runs in `home`, if one does.
    pub fn running(home: &Path) -> Result<Option<Self>> {
        Ok(Self::recorded(&home.join("cloud.json"))?.filter(|place| place.supervisor.is_running()))
    }

    /// The servers that a killed supervisor left behind in `home`.
    pub fn left(home: &Path) -> Result<Vec<String>> {
        let services = Self::recorded(&home.join("cloud.json"))?.map(|place| place.services).unwrap_or_default();
        let left = services.into_iter().filter(|(_, process)| process.is_running());
        Ok(left.map(|(name, process)| format!("{name}, process {}", process.pid)).collect())
    }

    /// An error once the cloud has been stopped.
    pub fn must_run(&self) -> Result<()> {
        if self.supervisor.is_running() {
            return Ok(());
        }
        Err(Error::new("the local cloud was stopped").remedy("start it again with `cargo xtask up`"))
    }

    fn recorded(file: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::new(format!("cannot read {}: {cause}", file.display()))),
        };
        serde_json::from_str(&text).why(|| format!("cannot read {}", file.display())).map(Some)
    }

    pub fn aws_http(&self) -> Result<AwsHttp> {
        Ok(AwsHttp::new(&self.aws, client()?))
    }

    pub fn google(&self) -> Result<Google> {
        Ok(Google::new(&self.google, client()?))
    }

    /// All log lines of a function, such as `mail-sync`, as they stand in the store, oldest first.
    pub async fn logs(&self, function: &str) -> Result<Vec<String>> {
        let aws = self.aws_http()?;
        let mut lines = Vec::new();
        let mut ask = json!({ "logGroupName": format!("/aws/lambda/{}-{function}", self.stack.name), "limit": 10_000 });
        loop {
            let page = aws.json("logs", "Logs_20140328.FilterLogEvents", &ask).await?;
            let events =
                page["events"].as_array().ok_or_else(|| Error::new("the log store answered without events"))?;
            lines.extend(events.iter().filter_map(|event| event["message"].as_str()).map(str::to_owned));
            match page["nextToken"].as_str() {
                Some(token) => ask["nextToken"] = token.into(),
                None => return Ok(lines),
            }
        }
    }

    /// The environment variables of a deployed function, and the credentials that go with them.
    pub async fn variables(&self, function: &str) -> Result<BTreeMap<String, String>> {
        let path = format!("/2015-03-31/functions/{}-{function}/configuration", self.stack.name);
        let configuration = self.aws_http()?.get("lambda", &path).await?;
        let variables = configuration["Environment"]["Variables"].clone();
        let mut variables: BTreeMap<String, String> =
            serde_json::from_value(variables).why(|| format!("the variables of {function}"))?;
        variables.extend(aws_http::credentials(&self.aws).map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(variables)
    }

    /// Ends the cloud of `home` from another process and waits until it has ended; also what was left of one whose
    /// supervisor was killed. Says whether there was anything.
    pub async fn end(home: &Path) -> Result<bool> {
        let record = home.join("cloud.json");
        let Some(place) = Self::recorded(&record)? else { return Ok(false) };
        place.supervisor.end(AWS_PATIENCE + GOOGLE_PATIENCE + Duration::from_secs(15)).await?;
        place.end_leftovers().await?;
        // A supervisor that ended by itself has removed it.
        match fs::remove_file(&record) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::new(format!("cannot remove {}: {cause}", record.display())))
            }
            _ => Ok(true),
        }
    }

    /// Services outlive a supervisor that was killed.
    async fn end_leftovers(&self) -> Result<()> {
        for (_, service) in &self.services {
            service.end(AWS_PATIENCE).await?;
        }
        Ok(())
    }
}

/// A cloud that this process started.
#[derive(Debug)]
pub struct Cloud {
    place: Place,
    door: FrontDoor,
    services: Vec<Service>,
    /// Whether something was deployed, or all was there already.
    pub deployed: bool,
    // Held, not read: it keeps a second cloud out of the same home.
    _home: File,
}

impl Deref for Cloud {
    type Target = Place;
    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Cloud {
    pub async fn start(options: Options) -> Result<Self> {
        let workspace = Workspace::find()?;
        let start = Start { workspace: &workspace, options: &options, progress: options.progress };
        start.run().await
    }

    /// An error once a server has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        self.services.iter_mut().try_for_each(Service::check)
    }

    /// The front door first, then the servers in the order opposite to their start.
    pub async fn stop(mut self) -> Result<()> {
        self.door.close().await;
        let mut first_error = Ok(());
        while let Some(service) = self.services.pop() {
            first_error = first_error.and(service.stop().await);
        }
        let record = self.place.home.join("cloud.json");
        fs::remove_file(&record).why(|| format!("cannot remove {}", record.display()))?;
        first_error
    }
}

/// The cloud of a test: the one that `cargo xtask test` started for all suites, or its own.
#[derive(Debug)]
pub struct TestCloud {
    place: Place,
    own: Option<Cloud>,
}

impl TestCloud {
    /// `name` keeps the homes of suites apart that start their own.
    pub async fn find(name: &str) -> Result<Self> {
        if let Some(file) = std::env::var_os(SHARED) {
            let place = Place::recorded(Path::new(&file))?
                .filter(|place| place.supervisor.is_running())
                .ok_or_else(|| Error::new(format!("{SHARED} names {}, but no cloud runs there", file.display())))?;
            return Ok(Self { place, own: None });
        }
        let home = Workspace::find()?.home().join("tests").join(name);
        if home.exists() && Place::running(&home)?.is_none() {
            fs::remove_dir_all(&home).why(|| format!("cannot empty {}", home.display()))?;
        }
        let cloud = Cloud::start(Options::isolated(home)).await?;
        Ok(Self::own(cloud))
    }

    /// A cloud that belongs to one test.
    pub fn own(cloud: Cloud) -> Self {
        Self { place: cloud.place.clone(), own: Some(cloud) }
    }

    pub async fn stop(self) -> Result<()> {
        match self.own {
            Some(cloud) => cloud.stop().await,
            None => Ok(()),
        }
    }
}

impl Deref for TestCloud {
    type Target = Place;
    fn deref(&self) -> &Place {
        &self.place
    }
}

struct Start<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    progress: Progress,
}

/// What is chosen before anything is started.
struct Addresses {
    door: TcpListener,
    front_door: String,
    aws_port: u16,
    aws: String,
    google_port: u16,
    google: String,
}

impl Start<'_> {
    async fn run(&self) -> Result<Cloud> {
        let home = self.lock_home()?;
        if let Some(left) = Place::recorded(&self.home().join("cloud.json"))? {
            left.end_leftovers().await?;
        }
        if self.options.reset {
            let removed = reset::empty(self.home(), &home)?;
            let said = if removed.is_empty() { vec!["nothing; there was no state".to_owned()] } else { removed };
            said.iter().for_each(|what| self.progress.note(&format!("reset: removed {what}")));
            self.make_folders()?;
        }
        let addresses = self.addresses()?;
        let tools = self.progress.step("tools (.local/venv)", Tools::install(self.workspace)).await?;
        let built = self
            .progress
            .step("build: functions and simulator", package::compile(self.workspace, self.options.quiet))
            .await?;
        let package = self
            .progress
            .step("package: sam build", package::package(self.workspace, &tools, self.home(), built))
            .await?;
        let client = client()?;
        let aws = AwsHttp::new(&addresses.aws, client.clone());
        let google = Google::new(&addresses.google, client.clone());
        let services =
            self.progress.step("start: local AWS and Google", self.servers(&tools, &addresses, &aws, &google)).await?;
        let parameters = self.parameters(&addresses);
        let deployment = Deployment {
            aws: &aws,
            endpoint: &addresses.aws,
            stack: &self.options.stack,
            parameters: &parameters,
            home: self.home(),
        };
        let (stack, deployed) =
            self.progress.step("deploy: template.yaml", deployment.bring(self.workspace, &tools, &package)).await?;
        self.progress
            .step("wire: OAuth client, Pub/Sub, knowledge base", self.wire(&deployment, &stack, &addresses, &google))
            .await?;
        let target = format!("{}/_aws/execute-api/{}/$default", addresses.aws, stack.api);
        let door = FrontDoor::open(addresses.door, target, client, &self.home().join("log/front-door.log"))?;
        let place = Place {
            front_door: addresses.front_door,
            aws: addresses.aws,
            google: addresses.google,
            home: self.home().to_owned(),
            stack,
            supervisor: ProcessId::of(std::process::id()),
            services: services.iter().map(|service| (service.name.to_owned(), service.id())).collect(),
        };
        self.record(&place)?;
        Ok(Cloud { place, door, services, deployed, _home: home })
    }

    fn home(&self) -> &Path {
        &self.options.home
    }

    fn make_folders(&self) -> Result<()> {
        ["log", "state/aws", "state/google"].iter().try_for_each(|folder| {
            let folder = self.home().join(folder);
            fs::create_dir_all(&folder).why(|| format!("cannot make {}", folder.display()))
        })
    }

    fn lock_home(&self) -> Result<File> {
        self.make_folders()?;
        let file = self.home().join("cloud.lock");
        let lock = File::create(&file).why(|| format!("cannot write {}", file.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => {
                let who = Place::running(self.home())?.map_or("is being started".into(), |place| {
                    format!("runs as process {} at {}", place.supervisor.pid, place.front_door)
                });
                Err(Error::new(format!("a local cloud of {} {who}", self.home().display()))
                    .remedy("use that one, stop it with `cargo xtask down`, or choose another folder with --home"))
            }
            Err(TryLockError::Error(cause)) => Err(Error::new(format!("cannot lock {}: {cause}", file.display()))),
        }
    }

    fn addresses(&self) -> Result<Addresses> {
        let ports = self.options.ports;
        let door = ports::bind("the front door", "--port", ports.front)?;
        let front = door.local_addr().why(|| "the front door".into())?.port();
        let aws_port = ports::reserve("the local AWS", "--aws-port", ports.aws)?;
        let google_port = ports::reserve("the Google simulator", "--google-port", ports.google)?;
        Ok(Addresses {
            door,
            front_door: format!("http://localhost:{front}"),
            aws_port,
            aws: format!("http://127.0.0.1:{aws_port}"),
            google_port,
            google: format!("http://127.0.0.1:{google_port}"),
        })
    }

    async fn servers(&self, tools: &Tools, at: &Addresses, aws: &AwsHttp, google: &Google) -> Result<Vec<Service>> {
        let mut services = vec![self.start_aws(tools, at)?, self.start_google(at)?];
        let deadline = Instant::now() + START_PATIENCE;
        while !(aws.is_up().await && google.is_up().await) {
            services.iter_mut().try_for_each(Service::check)?;
            if Instant::now() > deadline {
                let logs = self.home().join("log");
                return Err(Error::new(format!(
                    "local AWS and Google do not answer within {} s",
                    START_PATIENCE.as_secs()
                ))
                .remedy(format!("see {}", logs.display())));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(services)
    }

    /// Its environment is handed on to the functions, so it gets no more than it needs.
    fn start_aws(&self, tools: &Tools, at: &Addresses) -> Result<Service> {
        let state = self.home().join("state/aws");
        let mut command = tools.command("ministack")?;
        let path =
            command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value.map(ToOwned::to_owned));
        command.env_clear();
        point(&mut command, &at.aws);
        for kept in ["HOME", "LANG", "TMPDIR"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
            .env("PATH", path.unwrap_or_default())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", at.aws_port.to_string())
            .env("AUTH", "true")
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("PERSIST_STATE", "1")
            .env("STATE_DIR", &state)
            .env("S3_PERSIST", "1")
            .env("S3_DATA_DIR", state.join("s3"));
        // Not the template's to say: what opens the guard to this machine must not exist on AWS.
        if let Some(first) = self.options.receivers.split(',').map(str::trim).find(|pair| !pair.is_empty()) {
            command.env("POSTROOM_LOCAL_RECEIVERS", &self.options.receivers);
            command.env("POSTROOM_LOCAL_SLACK_URL", format!("http://{first}/slack/api"));
        }
        Service::start("local AWS (MiniStack)", &mut command, self.home().join("log/aws.log"), AWS_PATIENCE)
    }

    fn start_google(&self, at: &Addresses) -> Result<Service> {
        let mut command = Command::new(self.workspace.binaries.join("simulator"));
        command.args(["--port", &at.google_port.to_string(), "--state"]).arg(self.home().join("state/google"));
        Service::start("Google simulator", &mut command, self.home().join("log/google.log"), GOOGLE_PATIENCE)
    }

    fn parameters(&self, at: &Addresses) -> BTreeMap<String, String> {
        let google = &at.google;
        let mut parameters: BTreeMap<String, String> = [
            ("PublicUrl", at.front_door.clone()),
            ("Operators", demo::OPERATOR.to_owned()),
            ("PubSubTopic", google::TOPIC.to_owned()),
            ("PushSubscription", google::SUBSCRIPTION.to_owned()),
            ("PushServiceAccount", google::SERVICE_ACCOUNT.to_owned()),
            // No key and no network.
            ("Assistant", "extractive".to_owned()),
            // Everything here is plain http on this machine.
            ("BucketTlsOnly", "false".to_owned()),
            ("SettleSeconds", "2".to_owned()),
            ("FallbackSyncSeconds", "60".to_owned()),
            ("GmailUrl", google.clone()),
            ("OAuthAuthUrl", format!("{google}/o/oauth2/v2/auth")),
            ("OAuthTokenUrl", format!("{google}/token")),
            ("OAuthRevokeUrl", format!("{google}/revoke")),
            ("OidcIssuer", google.clone()),
            ("JwksUrl", format!("{google}/oauth2/v3/certs")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        parameters.extend(self.options.parameters.clone());
        parameters
    }

    async fn wire(&self, deployment: &Deployment<'_>, stack: &Stack, at: &Addresses, google: &Google) -> Result<()> {
        let secret = self.client_secret()?;
        deployment.store_client(CLIENT_ID, &secret).await?;
        let redirects = ["/oauth/callback", "/signin/callback"].map(|path| format!("{}{path}", at.front_door));
        google.register_client(CLIENT_ID, &secret, &redirects).await?;
        google.register_push(&format!("{}/gmail/push", at.front_door)).await?;
        if self.options.knowledge {
            let output = |name: &str| {
                stack.outputs.get(name).cloned().ok_or_else(|| Error::new(format!("the stack has no output {name}")))
            };
            demo::Shelf::of(&at.aws, output)?.fill(self.workspace).await?;
        }
        Ok(())
    }

    /// Made once per home; it means something to this home's simulator only.
    fn client_secret(&self) -> Result<String> {
        let file = self.home().join("state/google-client-secret");
        if file.exists() {
            return fs::read_to_string(&file).why(|| format!("cannot read {}", file.display()));
        }
        let mut bytes = [0; 24];
        aws_lc_rs::rand::fill(&mut bytes).why(|| "no randomness".into())?;
        let secret = package::hex(&bytes);
        fs::write(&file, &secret).why(|| format!("cannot write {}", file.display()))?;
        Ok(secret)
    }

    fn record(&self, place: &Place) -> Result<()> {
        let file = self.home().join("cloud.json");
        let text = serde_json::to_string_pretty(place).why(|| "cloud.json".into())?;
        fs::write(&file, text).why(|| format!("cannot write {}", file.display()))
    }
}

/// Whether a cloud holds `home`, be it not yet or no longer running.
pub fn is_locked(home: &Path) -> Result<bool> {
    let file = home.join("cloud.lock");
    let lock = match File::open(&file) {
        Ok(lock) => lock,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(Error::new(format!("cannot open {}: {cause}", file.display()))),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(cause)) => Err(Error::new(format!("cannot lock {}: {cause}", file.display()))),
    }
}

/// It follows no redirect, so that the front door hands each on.
pub fn client() -> Result<reqwest::Client> {
    // Longer than API Gateway's 30 s: its own answer to a slow function must come first.
    client_within(Duration::from_secs(60))
}

/// The same with another limit of time.
pub fn client_within(patience: Duration) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(patience)
        .build()
        .why(|| "cannot make an HTTP client".into())
}
