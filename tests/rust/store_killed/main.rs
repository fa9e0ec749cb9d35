//! Two processes are killed at any instant: what their store said was kept is there afterwards.
//!
//! Runs without the test harness, because it is also the program that is killed.

use bytes::Bytes;
use rand::{Rng, SeedableRng};
use std::error::Error;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use streetlens_core::store::{Key, Store, StoredAnswer};
use tokio::task::JoinSet;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const WRITE: &str = "--write-to";
const ROUNDS: u64 = 12;
const WRITERS: u64 = 4;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, path, round] = arguments.as_slice()
        && mode == WRITE
    {
        return write_until_killed(Path::new(path), round.parse()?);
    }
    let folder = std::env::temp_dir().join(format!("streetlens-killed-{}", uuid::Uuid::new_v4().simple()));
    let outcome = kill_and_look(&folder.join("answers.sqlite"));
    std::fs::remove_dir_all(&folder)?;
    outcome
}

/// Several tasks put answers, and each says so once its put has returned.
fn write_until_killed(path: &Path, round: u64) -> Outcome<()> {
    let store = Store::open(path)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = store.clone();
            writers.spawn(async move {
                for number in 0.. {
                    let name = format!("{round}-{writer}-{number}");
                    store.put(vec![(key(&name), answer(&name))]).await?;
                    writeln!(std::io::stdout(), "{name}")?;
                }
                Outcome::Ok(())
            });
        }
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        Ok(())
    })
}

fn kill_and_look(path: &Path) -> Outcome<()> {
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    let mut all: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        let mut said: Vec<String> = Vec::new();
        // Two processes share the file; in the first round both want to create it.
        let mut programs = [Program::start(path, 2 * round)?, Program::start(path, 2 * round + 1)?];
        // Both have begun. The end comes within the first commits, or after many of them; sometimes between two.
        let waited_for = [random.random_range(1..100), 1];
        for (program, count) in programs.iter_mut().zip(waited_for) {
            for _ in 0..count {
                said.push(program.lines.next().ok_or("a writer ended by itself")??);
            }
        }
        std::thread::sleep(Duration::from_micros(random.random_range(0..3_000)));
        for program in &mut programs {
            program.child.kill()?;
        }
        for mut program in programs {
            program.child.wait()?;
            // A line is one write to the pipe, so that none is cut by the end.
            for line in program.lines {
                said.push(line?);
            }
        }
        look(path, &said)?;
        all.append(&mut said);
    }
    look(path, &all)
}

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(path: &Path, round: u64) -> Outcome<Self> {
        let mut program = Command::new(std::env::current_exe()?);
        program.args([WRITE.as_ref(), path.as_os_str(), round.to_string().as_ref()]);
        let mut child = program.stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        Ok(Self { child, lines })
    }
}

/// Every answer that was said to be kept is found, as it was.
fn look(path: &Path, said: &[String]) -> Outcome<()> {
    let store = Store::open(path)?;
    assert!(store.notes().is_empty(), "{:?}", store.notes());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let found = runtime.block_on(store.find(said.iter().map(|name| key(name)).collect()))?;
    for (name, found) in said.iter().zip(found) {
        assert_eq!(found, Some(answer(name)), "{name} is lost");
    }
    Ok(())
}

fn key(name: &str) -> Key {
    let mut builder = Key::builder("killed");
    builder.part("name", name.as_bytes());
    builder.finish()
}

fn answer(name: &str) -> StoredAnswer {
    // Some are longer than a page of the file, and some compressed.
    let body = name.repeat(1 + usize::from(key(name).as_bytes()[0]) * 8);
    StoredAnswer { body: Bytes::from(body), image: name.to_owned(), ..StoredAnswer::default() }
}
