//! Emptying the state of a home, for a cloud that begins anew.
//!
//! Invariant: only what a local cloud itself writes is removed, by name, and only from a home whose lock is held.

use crate::{Context, Error, Result};
use std::fs::{self, File};
use std::path::Path;

/// Below the home. The package and the tools stay: they hold nothing of a mailbox.
const STATE: [&str; 3] = ["state/aws", "state/google", "state/google-client-secret"];

/// Removes state and logs of `home`. `_lock` is that of the home. Says what was removed.
pub fn empty(home: &Path, _lock: &File) -> Result<Vec<String>> {
    let mut removed = vec![];
    for name in STATE {
        remove(&home.join(name), &mut removed)?;
    }
    let folder = home.join("log");
    if folder.is_dir() {
        let entries = fs::read_dir(&folder).why(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry.why(|| format!("cannot read {}", folder.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                remove(&path, &mut removed)?;
            }
        }
    }
    Ok(removed)
}

fn remove(path: &Path, removed: &mut Vec<String>) -> Result<()> {
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => return Err(Error::new(format!("cannot look at {}: {cause}", path.display()))),
    };
    let (files, bytes) = size(path).why(|| format!("cannot read {}", path.display()))?;
    let gone = if about.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    gone.map_err(|cause| {
        Error::new(format!("cannot remove {}: {cause}", path.display())).remedy("remove it by hand, then start again")
    })?;
    if files > 0 {
        removed.push(format!("{} ({files} files, {} kB)", path.display(), bytes.div_ceil(1_024)));
    }
    Ok(())
}

/// Files and bytes; a link is itself, not what it leads to.
fn size(path: &Path) -> std::io::Result<(u64, u64)> {
    let about = fs::symlink_metadata(path)?;
    if !about.is_dir() {
        return Ok((1, about.len()));
    }
    let mut sum = (0, 0);
    for entry in fs::read_dir(path)? {
        let (files, bytes) = size(&entry?.path())?;
        sum = (sum.0 + files, sum.1 + bytes);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn state_and_logs_go_and_everything_else_stays() {
        let home = Workspace::find().unwrap().home().join(format!("tests/reset-{}", std::process::id()));
        let put = |name: &str| {
            let path = home.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "12345").unwrap();
        };
        let gone = ["state/aws/s3/a/b", "state/google/world.json", "state/google-client-secret", "log/aws.log"];
        let kept = ["build/template.yaml", "state/own.txt", "log/own.txt", "venv/bin/sam", "cloud.lock"];
        gone.iter().chain(&kept).for_each(|name| put(name));
        // A link out of the home is removed, not followed.
        std::os::unix::fs::symlink(home.join("venv"), home.join("state/aws/link")).unwrap();
        let lock = File::open(home.join("cloud.lock")).unwrap();
        let said = empty(&home, &lock).unwrap();
        assert_eq!(said.len(), 4, "{said:?}");
        assert!(said[0].contains("state/aws (2 files, 1 kB)"), "{said:?}");
        assert!(gone.iter().all(|name| !home.join(name).exists()));
        assert!(kept.iter().all(|name| home.join(name).exists()));
        assert_eq!(empty(&home, &lock).unwrap(), Vec::<String>::new(), "nothing is left to remove");
        fs::remove_dir_all(&home).unwrap();
    }
}
