//! Loopback ports, and who holds one that is taken.

use crate::{Error, Result};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

/// Binds the port (0: any free one), or says who holds it.
pub fn bind(what: &str, option: &str, port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|cause| {
        let who = match owner(port) {
            Some((pid, command)) => format!("it is held by process {pid}: {command}"),
            None => cause.to_string(),
        };
        Error::new(format!("port {port}, wanted for {what}, cannot be used: {who}"))
            .remedy(format!("end that process, or choose another port with {option} PORT"))
    })
}

/// Checks that the port can be bound, and names one when any will do. The port is free again when this returns, so
/// another process could still take it; the server that gets it then says so.
pub fn reserve(what: &str, option: &str, port: u16) -> Result<u16> {
    let listener = bind(what, option, port)?;
    Ok(listener.local_addr().map_err(|cause| Error::new(format!("{what}: {cause}")))?.port())
}

/// The process that listens on a port, from `/proc` (proc(5)); `None` where it cannot be told.
fn owner(port: u16) -> Option<(u32, String)> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| listening_inode(&table, port))?;
    let socket = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy() == socket));
        if holds {
            let command = fs::read(process.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
            return Some((pid, command));
        }
    }
    None
}

/// Columns: number, local address, remote address, state (0A: listening), …, the tenth is the inode.
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = columns.get(1)?.rsplit_once(':')?;
        let listening = *columns.get(3)? == "0A" && u16::from_str_radix(local, 16).ok()? == port;
        listening.then(|| columns.get(9)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_owner() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = bind("the front door", "--port", port).unwrap_err().to_string();
        assert!(error.contains(&format!("port {port}, wanted for the front door")), "{error}");
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.contains("--port"), "{error}");
    }

    #[test]
    fn the_listening_socket_is_found_and_a_connected_one_is_not() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:20D0 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 111 1\n\
             1: 0100007F:20D0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1\n";
        assert_eq!(listening_inode(table, 8400), Some(222));
        assert_eq!(listening_inode(table, 8401), None);
    }
}
