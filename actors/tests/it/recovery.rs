//! Kills: this binary runs itself as a child with an engine on a folder, kills it at random moments, and in the
//! end lets an engine of its own finish what the folder holds.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use penstock_actors::providers::provider::{Provider, Reporter};
use penstock_actors::providers::table::Providers;
use penstock_actors::reads::Page;
use penstock_actors::{Handle, Settings, StartOrder, clock::Clock, start};
use penstock_engine::action::{Failure, Progress, Success, Work};
use penstock_engine::action_type::Catalogue;
use penstock_engine::declaration::action::{ActionCategory, ActionTypeId};
use penstock_engine::event::{EventState, Subject};
use penstock_engine::stage::Level;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, EventsRecord, Store};
use serde_json::Value;

use crate::world::{declaration, executions, key, s3, settled};

const FOLDER: &str = "PENSTOCK_RECOVERY_FOLDER";
const PIPELINES: [&str; 3] = ["one", "two", "three"];

/// What an action does follows from its id: every run of it does the same.
fn fate(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

fn fails(id: &str) -> bool {
    fate(id) % 16 < 2
}

fn has_external_id(id: &str) -> bool {
    (fate(id) / 16).is_multiple_of(2)
}

/// Takes a while, and notes in a file what must not be lost.
struct Noting {
    id: ActionTypeId,
    notes: PathBuf,
}

#[async_trait]
impl Provider for Noting {
    fn action_type(&self) -> ActionTypeId {
        self.id.clone()
    }

    async fn run(&self, work: Work, reporter: &dyn Reporter) -> Result<Success, Failure> {
        let id = work.id.as_str();
        let started = if let Some(external) = &work.resume {
            assert_eq!(*external, format!("ext-{id}"));
            note(&self.notes, &format!("resumed {id}"));
            true
        } else {
            note(&self.notes, &format!("started {id}"));
            false
        };
        let version = work.configuration.get("ObjectKey");
        if version.is_some_and(|version| *version != work.execution.to_string()) {
            note(&self.notes, &format!("mistaken {id}"));
        }
        pause(6).await;
        if !started && has_external_id(id) {
            let external_id = Some(format!("ext-{id}"));
            reporter.progress(Progress { external_id, ..Progress::default() }).await;
            note(&self.notes, &format!("recorded {id}"));
            pause(12).await;
        }
        match fate(id) % 16 {
            0 => Err(Failure::new("JobFailed", "as it is fated")),
            1 => panic!("as it is fated"),
            _ => {
                let source = self.id.category == ActionCategory::Source;
                let version = source.then(|| ("VersionId".to_owned(), work.execution.to_string()));
                Ok(Success { output_variables: version.into_iter().collect(), ..Success::default() })
            }
        }
    }
}

/// One write per line, so that a kill never mixes two.
fn note(file: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn notes(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A random time, up to so many milliseconds.
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_micros(random() % (millis * 1000))).await;
}

fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1 >> 8
}

fn engine(folder: &Path) -> (Handle, Store) {
    let store =
        Store::open(&folder.join("data"), penstock_storage::OpenOptions::default().fatal(drop)).unwrap();
    let provider = |category| -> Box<dyn Provider> {
        Box::new(Noting { id: s3(category), notes: folder.join("notes") })
    };
    let kinds = [ActionCategory::Source, ActionCategory::Deploy];
    let providers = Providers::of(kinds.map(|category| (provider(category), 64)));
    let settings = Settings { keep_executions: 100_000, arbiters: 2, idle: Duration::from_millis(20) };
    let catalogue = Arc::new(Catalogue::builtin());
    (start(store.clone(), Clock::system(), catalogue, providers, None, settings), store)
}

/// Starts executions one after the other until it is killed. What was asked for and not answered is asked for
/// again with the same token, as a client would.
async fn client(handle: Handle, folder: &Path, name: &str) {
    // Refused where an earlier child has done it.
    let _ = handle.create(key(name), declaration(name), BTreeMap::new(), "arn".into()).await;
    let asked = folder.join(format!("asked-{name}"));
    let mut n: u64 = notes(&asked).last().map_or(0, |last| last.parse().unwrap());
    loop {
        note(&asked, &n.to_string());
        let order = StartOrder { token: Some(n.to_string()), ..StartOrder::default() };
        let id = handle.start_execution(key(name), order).await.unwrap();
        say(&format!("started {name} {n} {id}"));
        if n % 7 == 3 {
            let level = if n.is_multiple_of(2) { Level::Abandon } else { Level::Finish };
            if handle.stop_execution(key(name), id, level, None).await.is_ok() {
                say(&format!("stopped {name} {n}"));
            }
        }
        n += 1;
        pause(8).await;
    }
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

/// Not a test of its own: what the test below starts.
#[actix::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let (handle, _store) = engine(&folder);
    join_all(PIPELINES.map(|name| client(handle.clone(), &folder, name))).await;
}

fn start_child(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["recovery::child", "--exact", "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Runs a child for a random time after its first word, and gives what it said.
fn killed_child(folder: &Path) -> Vec<String> {
    let mut child = start_child(folder);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("started ") {
        assert!(stdout.read_line(&mut said).unwrap() > 0, "the child died: {said}");
    }
    let rest = std::thread::spawn(move || {
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).map(|_| rest).unwrap()
    });
    std::thread::sleep(Duration::from_millis(random() % 300));
    child.kill().unwrap();
    child.wait().unwrap();
    said.push_str(&rest.join().unwrap());
    let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(str::to_owned).collect()
}

#[actix::test]
async fn after_kills_at_any_moment_all_that_was_acknowledged_is_there_and_ends_rightly() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    for _ in 0..10 {
        said.extend(killed_child(folder.path()));
    }
    let (handle, store) = engine(folder.path());
    let mut stopped = 0;
    for name in PIPELINES {
        settled(&handle, &key(name)).await;
        let executions = executions(&handle, &key(name)).await;
        let asked = notes(&folder.path().join(format!("asked-{name}")));
        in_order(name, &executions, &said, asked.last().unwrap().parse().unwrap());
        stopped += all_ended_rightly(&handle, name, &executions).await;
    }
    assert!(stopped > 0, "no stop was tried");
    each_ended_once(&store).await;
    resumed_and_not_restarted(&notes(&folder.path().join("notes")));
}

/// Every acknowledged start is there with its id, in the order of the acknowledgements, and none is there that
/// nobody asked for.
fn in_order(name: &str, executions: &[Value], said: &[String], last_asked: u64) {
    let mut acknowledged: BTreeMap<u64, &str> = BTreeMap::new();
    for line in said {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["started", pipeline, n, id] = words[..]
            && pipeline == name
        {
            let earlier = acknowledged.insert(n.parse().unwrap(), id);
            assert!(earlier.is_none_or(|earlier| earlier == id), "{name} {n}: two executions for a token");
        }
    }
    let there: Vec<&str> =
        executions.iter().rev().map(|each| each["pipelineExecutionId"].as_str().unwrap()).collect();
    let mut later = there.iter();
    for (n, id) in &acknowledged {
        assert!(later.any(|there| there == id), "{name} {n}: {id} is not there, or not in its place");
    }
    // The first one is CreatePipeline's.
    assert!(u64::try_from(there.len()).unwrap() <= last_asked + 2, "{name}: {} are there", there.len());
    assert!(acknowledged.len() > 10, "only {} acknowledged starts", acknowledged.len());
}

/// Checks every execution's end against its actions' fates, and counts the stopped ones.
async fn all_ended_rightly(handle: &Handle, name: &str, executions: &[Value]) -> usize {
    let page = Page { token: None, size: usize::MAX };
    let actions = handle.list_action_executions(&key(name), None, &page).await.unwrap();
    let mut of_execution: HashMap<&str, Vec<&Value>> = HashMap::new();
    for action in actions["actionExecutionDetails"].as_array().unwrap() {
        let id = action["actionExecutionId"].as_str().unwrap();
        match action["status"].as_str().unwrap() {
            "Succeeded" => assert!(!fails(id)),
            "Failed" => assert!(fails(id), "{action}"),
            "Abandoned" => {}
            other => panic!("{name}: an action is {other} in the end"),
        }
        of_execution.entry(action["pipelineExecutionId"].as_str().unwrap()).or_default().push(action);
    }
    let mut stopped = 0;
    for execution in executions {
        let id = execution["pipelineExecutionId"].as_str().unwrap();
        let actions = of_execution.remove(id).unwrap_or_default();
        let all_succeeded = actions.iter().all(|action| action["status"] == "Succeeded");
        match execution["status"].as_str().unwrap() {
            "Succeeded" => assert!(all_succeeded && actions.len() == 5, "{execution}: {actions:?}"),
            "Failed" => assert!(actions.iter().any(|action| action["status"] == "Failed"), "{execution}"),
            "Superseded" => assert!(all_succeeded && actions.len() < 5, "{execution}"),
            "Stopped" => {
                assert!(execution.get("stopTrigger").is_some(), "{execution}");
                stopped += 1;
            }
            other => panic!("{name}: an execution is {other} in the end"),
        }
    }
    stopped
}

/// Of every action, stage passage and execution exactly one start and one end was ever recorded.
async fn each_ended_once(store: &Store) {
    let read = store.read(|view| {
        let mut counts: HashMap<String, (u32, u32)> = HashMap::new();
        for events in view.scan::<EventsRecord>(&keys::events(), Bound::Unbounded, Direction::Forward) {
            for event in events?.1.0 {
                let who = match &event.subject {
                    Subject::Pipeline { .. } => event.execution.to_string(),
                    Subject::Stage { stage, .. } => format!("{} {stage}", event.execution),
                    Subject::Action { id, .. } | Subject::Rule { id, .. } => id.to_string(),
                };
                let (starts, ends) = counts.entry(who).or_default();
                match event.state {
                    EventState::Started => *starts += 1,
                    EventState::Stopping => {}
                    _ => *ends += 1,
                }
            }
        }
        Ok(counts)
    });
    for (who, counts) in read.await.unwrap() {
        assert_eq!(counts, (1, 1), "starts and ends of {who}");
    }
}

fn resumed_and_not_restarted(notes: &[String]) {
    let mut recorded = std::collections::HashSet::new();
    let mut resumed = 0;
    for line in notes {
        match line.split_once(' ').unwrap() {
            ("recorded", id) => assert!(recorded.insert(id), "{id} was begun twice outside"),
            ("started", id) => assert!(!recorded.contains(id), "{id} was restarted instead of resumed"),
            ("resumed", _) => resumed += 1,
            (_, _) => panic!("{line}"),
        }
    }
    assert!(resumed > 0, "nothing was resumed in {} runs", notes.len());
}
