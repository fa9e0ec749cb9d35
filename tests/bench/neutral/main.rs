//! `neutral_server [--port N] [--rows N]`: prints its address once it is ready, then serves.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use streetlens_bench::bigquery::Results;
use streetlens_bench::server::{Services, serve};
use streetlens_bench::storage_read::Messages;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let (mut port, mut rows) = (0, 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = number(&name, arguments.next())?;
        match name.as_str() {
            "--port" => port = value,
            "--rows" => rows = value,
            _ => return Err(io::Error::other(format!("unknown option `{name}`"))),
        }
    }
    let (results, messages) = (Results::new(rows)?, Messages::new(rows)?);
    let services = Arc::new(Services { traffic: Mutex::default(), results, messages });
    let port = u16::try_from(port).map_err(io::Error::other)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
    serve(listener, services).await
}

fn number(name: &str, value: Option<String>) -> io::Result<u64> {
    let value = value.ok_or_else(|| io::Error::other(format!("`{name}` needs a number")))?;
    value.parse().map_err(|_| io::Error::other(format!("`{name}` needs a number, not `{value}`")))
}
