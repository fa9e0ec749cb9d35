//! `bare_reqwest URL IMAGES CONCURRENCY`: what reqwest can do in a loop that keeps nothing, which is the limit of any
//! client above it. Prints the seconds it took as JSON; its
//! processor time is for whoever started it to tell.

use memchr::memmem;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use streetlens_bench::gemini::fingerprint;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| io::Error::other(format!("{what} is missing")));
    let (url, images) = (next("the address")?, number(&next("the number of images")?)?);
    let concurrency = number(&next("the concurrency")?)?;
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
    let address: Arc<str> = format!("{url}/v1/projects/bench/locations/us/models/bare:generateContent").into();
    let prompt: Arc<str> = "Say what the sign in the picture is, in one word. ".repeat(33).into();
    let taken = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut workers = JoinSet::<io::Result<()>>::new();
    for _ in 0..concurrency {
        let (client, address, prompt) = (client.clone(), Arc::clone(&address), Arc::clone(&prompt));
        let taken = Arc::clone(&taken);
        workers.spawn(async move {
            loop {
                let image = taken.fetch_add(1, Ordering::Relaxed);
                if image >= images {
                    return Ok(());
                }
                ask(&client, &address, &prompt, image).await?;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    let wall = started.elapsed().as_secs_f64();
    writeln!(io::stdout(), r#"{{"wall": {wall}, "processor": 0, "peak_memory": 0}}"#)
}

/// Asks about one image, and fails unless the answer is that image's.
async fn ask(client: &reqwest::Client, address: &str, prompt: &str, image: usize) -> io::Result<()> {
    let uri = format!("gs://geoai_published__us/5a7c2d41/v0/o1:{image:032x}:00110060.jpg");
    let body = format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"fileData":{{"mimeType":"image/jpeg","fileUri":"{uri}"}}}},{{"text":"{prompt}"}}]}}],"generationConfig":{{"responseMimeType":"application/json"}}}}"#
    );
    let request = client.post(address).header("content-type", "application/json").body(body);
    let answer = request.send().await.map_err(io::Error::other)?;
    let answer = answer.bytes().await.map_err(io::Error::other)?;
    let is_right = memmem::find(&answer, fingerprint(&uri).as_bytes()).is_some();
    is_right.then_some(()).ok_or_else(|| io::Error::other(format!("the answer for {uri} is not its own")))
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(|_| io::Error::other(format!("`{text}` is not a number")))
}
