//! What a spawned program gets, and what is said when it can't be spawned.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;

use podherd_reaper::{ChildDefaults, Program, SpawnErrorKind, Status};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::stage::{actor, ended, output, pipe, play, play_with};

pub const OWN_PID_NAMESPACE: bool = false;

pub fn what_fails_says_why() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("plain");
        fs::write(&plain, "no program").unwrap();
        let odd = directory.path().join("odd");
        fs::write(&odd, "no program").unwrap();
        fs::set_permissions(&odd, fs::Permissions::from_mode(0o755)).unwrap();
        let script = directory.path().join("script");
        fs::write(&script, "#!/does/not/exist\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();

        let failure = |program: Program| reaper.spawn(program).unwrap_err();
        for (path, kind) in [
            ("/does/not/exist", SpawnErrorKind::NotFound),
            ("/dev/null/x", SpawnErrorKind::NotFound),
            ("podherd-no-such-program", SpawnErrorKind::NotFound),
            ("", SpawnErrorKind::NotFound),
            (script.to_str().unwrap(), SpawnErrorKind::NotFound),
            (plain.to_str().unwrap(), SpawnErrorKind::NotExecutable),
            (odd.to_str().unwrap(), SpawnErrorKind::NotExecutable),
            ("/", SpawnErrorKind::NotExecutable),
            ("a\0b", SpawnErrorKind::Other),
        ] {
            let error = failure(Program::new(path));
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().starts_with(path), "{error}");
        }
        let error = failure(actor("exit 0").current_dir("/does/not/exist"));
        assert_eq!(error.kind(), SpawnErrorKind::Other);
        assert!(
            error
                .to_string()
                .contains("its working directory /does/not/exist"),
            "{error}"
        );
        assert_eq!(reaper.counters().spawned, 0);
    });
}

pub fn a_full_descriptor_table_loses_no_child() {
    play(async |reaper| {
        let (read, write) = pipe();
        let limit = getrlimit(Resource::Nofile);
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(64),
                maximum: limit.maximum,
            },
        )
        .unwrap();
        let program = || {
            let output = || write.try_clone().unwrap();
            actor("exit 7")
                .stdin(read.try_clone().unwrap())
                .stdout(output())
                .stderr(output())
        };
        for _ in 0..20 {
            let program = program();
            let full: Vec<_> = std::iter::from_fn(|| read.try_clone().ok()).collect();
            assert_eq!(
                reaper.spawn(program).unwrap_err().kind(),
                SpawnErrorKind::ResourcesExhausted
            );
            drop(full);
        }
        setrlimit(Resource::Nofile, limit).unwrap();
        assert_eq!(
            ended(&reaper.spawn(program()).unwrap()).await.status,
            Status::Exited(7)
        );
        assert_eq!((reaper.counters().spawned, reaper.counters().reaped), (1, 1));
    });
}

/// conmon 62, 322: a leaked descriptor keeps a port busy or a reader waiting.
pub fn exactly_the_passed_descriptors() {
    let _inherited: Vec<OwnedFd> = (0..3)
        .map(|_| rustix::io::dup(rustix::stdio::stderr()).unwrap())
        .collect();
    play(async |reaper| {
        // Numbers below and above the ones that they become, in the wrong order.
        let mut pipes: Vec<OwnedFd> = (0..6).flat_map(|_| <[OwnedFd; 2]>::from(pipe())).collect();
        pipes.sort_by_key(|fd| std::cmp::Reverse(fd.as_raw_fd()));
        let number = |fd: &OwnedFd| fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
        let expected: Vec<_> = (3..)
            .zip(&pipes)
            .map(|(target, fd)| format!("{target} {}", number(fd).display()))
            .collect();
        let before = fs::read_dir("/proc/self/fd").unwrap().count();
        let count = pipes.len();
        let program = pipes.into_iter().fold(actor("fds"), Program::pass_fd);
        let (read, write) = pipe();
        assert_eq!(
            ended(&reaper.spawn(program.stdout(write)).unwrap()).await.status,
            Status::Exited(0)
        );
        let listed = crate::stage::read_all(read);
        let lines: Vec<_> = listed.lines().collect();
        assert_eq!(lines[0], "0 /dev/null");
        assert!(lines[1].starts_with("1 pipe:"));
        assert_eq!(lines[2], "2 /dev/null");
        assert_eq!(lines[3..], expected);
        assert_eq!(
            fs::read_dir("/proc/self/fd").unwrap().count(),
            before - count,
            "the descriptors moved"
        );
    });
}

pub fn a_clean_start() {
    // SAFETY: plain memory, and no handler that would run code.
    unsafe {
        libc::signal(libc::SIGHUP, libc::SIG_IGN);
        libc::signal(64, libc::SIG_IGN);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
    }
    play(async |reaper| {
        // The standard library of the actor itself ignores SIGPIPE again: bit 13.
        let status = output(&reaper, actor("self status")).await;
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
                .unwrap()
        };
        assert_eq!(
            (field("SigBlk:"), field("SigIgn:")),
            ("0".repeat(16), "0000000000001000".to_owned())
        );
        let stat = output(&reaper, actor("self stat")).await;
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        assert_eq!(
            fields[2],
            stat.split(' ').next().unwrap(),
            "it leads a group of its own"
        );
        let masked = fs::read_to_string("/proc/thread-self/status").unwrap();
        assert!(
            masked.lines().any(|line| line == "SigBlk:\t0000000000004000"),
            "our own mask is as it was"
        );
    });
}

/// conmon 267, 467: the server's OOM score leaks into what it starts.
pub fn what_the_process_changed_is_given_back() {
    let defaults = ChildDefaults::capture().unwrap();
    let score = defaults.oom_score_adj.unwrap();
    let limit = defaults.nofile.unwrap();
    let changed = Rlimit {
        current: limit.current.map(|soft| soft - 17),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, changed).unwrap();
    fs::write("/proc/self/oom_score_adj", (score + 100).min(1_000).to_string()).unwrap();
    play_with(defaults, async |reaper| {
        assert_eq!(
            output(&reaper, actor("self oom_score_adj")).await.trim(),
            score.to_string()
        );
        let limits = output(&reaper, actor("self limits")).await;
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"))
            .unwrap();
        assert_eq!(
            line.split_ascii_whitespace().nth(3),
            limit.current.map(|soft| soft.to_string()).as_deref()
        );
        let ours = fs::read_to_string("/proc/self/oom_score_adj").unwrap();
        assert_eq!(
            ours.trim(),
            (score + 100).min(1_000).to_string(),
            "ours stays as it was set"
        );
        assert_eq!(getrlimit(Resource::Nofile).current, changed.current);
    });
}

pub fn environment_and_directory() {
    play(async |reaper| {
        let this = std::env::current_exe().unwrap();
        let (directory, name) = (this.parent().unwrap(), this.file_name().unwrap());
        let found = Program::new(name)
            .arg("act")
            .args(["say", "A", "say", "HOME", "cwd"])
            .env_clear();
        assert_eq!(
            reaper.spawn(Program::new(name).env_clear()).unwrap_err().kind(),
            SpawnErrorKind::NotFound
        );
        let found = found
            .env("PATH", directory)
            .env("A", "1")
            .env("A", "2")
            .current_dir("/");
        assert_eq!(output(&reaper, found).await, "2\n\n/\n");
        let inherited = output(&reaper, actor("say PATH say A").env("A", "x y")).await;
        assert_eq!(inherited, format!("{}\nx y\n", std::env::var("PATH").unwrap()));
    });
}
