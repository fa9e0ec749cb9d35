//! How commits reach the disk: write-ahead log where the file system can share memory, a rollback journal elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// A group of answers waits this long, at most, for more to join it, where every commit is a round trip.
const REMOTE_LINGER: Duration = Duration::from_millis(200);

/// Types of file systems whose files are reached over a network or through a program. The write-ahead log's index is
/// shared memory, which does not work on them, or seems to and loses commits.
const REMOTE: [&str; 21] = [
    "9p", "afs", "afpfs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fuse", "fuseblk", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs",
];

/// How a store's file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Journal {
    /// Write-ahead log: readers and the writer do not wait for each other.
    Ahead,
    /// Rollback journal, cut to nothing at each commit.
    Rollback,
}

impl Journal {
    /// How long a group waits for more answers.
    pub(super) fn linger(self) -> Duration {
        match self {
            Self::Ahead => Duration::ZERO,
            Self::Rollback => REMOTE_LINGER,
        }
    }
}

/// The journal for a file, given the text of `/proc/self/mountinfo` where there is one. `path` is absolute, without
/// links.
pub(super) fn choose(mountinfo: Option<&str>, path: &Path) -> Journal {
    let is_remote = if let Some(kind) = mountinfo.and_then(|text| file_system(text, path)) {
        is_remote(&kind)
    } else {
        // Windows' shares, also as std writes them.
        let text = path.to_string_lossy();
        text.starts_with(r"\\?\UNC\") || (text.starts_with(r"\\") && !text.starts_with(r"\\?\"))
    };
    if is_remote { Journal::Rollback } else { Journal::Ahead }
}

fn is_remote(kind: &str) -> bool {
    // FUSE tells its program after a dot: `fuse.gcsfuse`.
    let family = kind.split('.').next().unwrap_or(kind);
    REMOTE.contains(&family) || REMOTE.contains(&kind)
}

/// The type of the file system that holds `path`: of the longest mount point above it, the last one mounted there.
fn file_system(mountinfo: &str, path: &Path) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in mountinfo.lines() {
        let Some((place, kind)) = mount(line) else { continue };
        let depth = place.components().count();
        if path.starts_with(&place) && best.is_none_or(|(deepest, _)| depth >= deepest) {
            best = Some((depth, kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

/// Mount point and type of one line: `36 35 98:0 /root /mount/point options - type source options`.
fn mount(line: &str) -> Option<(PathBuf, &str)> {
    let (mounted, file_system) = line.split_once(" - ")?;
    let place = mounted.split(' ').nth(4)?;
    Some((PathBuf::from(unescaped(place)), file_system.split(' ').next()?))
}

/// Spaces, tabs, line ends and backslashes are written as `\` and three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (code, part.get(3..)) {
            (Some(code), Some(rest)) if code.is_ascii() => {
                plain.push(char::from(code));
                plain.push_str(rest);
            }
            _ => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLAB: &str = "\
709 631 0:62 / / rw,relatime master:245 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2
714 709 0:66 / /proc rw,nosuid - proc proc rw
780 709 8:1 /var/lib/docker /etc/hosts rw,nosuid - ext4 /dev/sda1 rw
901 709 0:75 / /content/drive rw,nosuid,nodev,relatime shared:5 - fuse.drive drive rw,user_id=0
902 709 0:76 / /mnt/my\\040bucket rw,relatime - fuse.gcsfuse bucket rw
903 709 0:77 / /mnt/share rw,relatime - nfs4 10.0.0.2:/share rw,vers=4.2
904 903 8:2 / /mnt/share/scratch rw,relatime - ext4 /dev/sdb1 rw
905 709 0:78 / /host rw - 9p host rw,trans=virtio
906 709 0:79 / /windows rw - cifs //server/share rw
";

    fn journal(path: &str) -> Journal {
        choose(Some(COLAB), Path::new(path))
    }

    #[test]
    fn a_local_disk_takes_the_write_ahead_log() {
        for path in ["/srv/.local/share/streetlens/answers.sqlite", "/content/answers.sqlite", "/etc/hosts/x"] {
            assert_eq!(journal(path), Journal::Ahead, "{path}");
        }
    }

    #[test]
    fn a_drive_of_google_and_a_bucket_take_the_rollback_journal() {
        for path in ["/content/drive/MyDrive/answers.sqlite", "/mnt/my bucket/answers.sqlite"] {
            assert_eq!(journal(path), Journal::Rollback, "{path}");
        }
    }

    #[test]
    fn network_file_systems_take_the_rollback_journal() {
        for path in ["/mnt/share/answers.sqlite", "/host/answers.sqlite", "/windows/answers.sqlite"] {
            assert_eq!(journal(path), Journal::Rollback, "{path}");
        }
    }

    #[test]
    fn the_longest_mount_point_decides() {
        assert_eq!(journal("/mnt/share/scratch/answers.sqlite"), Journal::Ahead);
    }

    #[test]
    fn a_name_that_only_begins_like_a_mount_point_is_not_on_it() {
        assert_eq!(journal("/content/drive2/answers.sqlite"), Journal::Ahead);
    }

    #[test]
    fn of_two_mounts_at_one_place_the_later_hides_the_earlier() {
        let over = format!("{COLAB}950 709 8:3 / /content/drive rw - ext4 /dev/sdc rw\n");
        assert_eq!(choose(Some(&over), Path::new("/content/drive/answers.sqlite")), Journal::Ahead);
        let root = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 0 0:9 / / rw - nfs server:/ rw\n";
        assert_eq!(choose(Some(root), Path::new("/answers.sqlite")), Journal::Rollback);
    }

    #[test]
    fn lines_that_mean_nothing_are_passed_over() {
        let odd = "\n- - -\nnonsense\n1 2 3\n36 35 98:0 / / rw - ext4 /dev/sda1 rw\n7 8 9 / /x rw -\n";
        assert_eq!(choose(Some(odd), Path::new("/x/answers.sqlite")), Journal::Ahead);
    }

    #[test]
    fn without_a_list_of_mounts_a_share_of_windows_takes_the_rollback_journal() {
        for (path, journal) in [
            (r"\\server\share\answers.sqlite", Journal::Rollback),
            (r"\\?\UNC\server\share\answers.sqlite", Journal::Rollback),
            (r"\\?\C:\data\answers.sqlite", Journal::Ahead),
            ("/me/answers.sqlite", Journal::Ahead),
        ] {
            assert_eq!(choose(None, Path::new(path)), journal, "{path}");
        }
    }

    #[test]
    fn escaped_characters_of_a_mount_point_are_read() {
        assert_eq!(unescaped(r"/a\040b\011c\134d"), "/a b\tc\\d");
        assert_eq!(unescaped(r"/a\9\04"), r"/a\9\04");
    }
}
