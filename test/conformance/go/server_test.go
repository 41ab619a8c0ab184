package conformance

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containers/conmon-rs/pkg/client"
)

func TestNewStartsAServerInTheBackground(t *testing.T) {
	p := newPod(t)
	pid := int(p.PID())

	server, ok := processOf(pid)
	if !ok {
		t.Fatalf("no process %d", pid)
	}

	if server.parent == os.Getpid() {
		t.Error("the server is a child of its client")
	}

	own, _ := processOf(os.Getpid())
	if server.session == own.session {
		t.Error("the server is in its client's session")
	}

	expect(t, "its descriptor 0", readlink(t, pid, 0), "/dev/null")
	expect(t, "pid file left", exists(filepath.Join(p.RuntimeDir, "pidfile")), false)
	expectSocket(t, filepath.Join(p.RuntimeDir, "conmon.sock"))
}

func TestNewWorksWithEveryLogDriver(t *testing.T) {
	for _, driver := range []client.LogDriver{
		client.LogDriverNone, client.LogDriverStdout, client.LogDriverSystemd,
	} {
		t.Run(string(driver), func(t *testing.T) {
			p := newPod(t, func(config *client.ConmonServerConfig) { config.LogDriver = driver })
			expect(t, "exit code", p.run(containerOptions{args: []string{"true"}}).exit(), 0)
		})
	}
}

func TestNewWorksWithEveryLogLevel(t *testing.T) {
	for _, level := range []client.LogLevel{
		client.LogLevelTrace, client.LogLevelDebug, client.LogLevelInfo,
		client.LogLevelWarn, client.LogLevelError, client.LogLevelOff,
	} {
		t.Run(string(level), func(t *testing.T) {
			newPod(t, func(config *client.ConmonServerConfig) { config.LogLevel = level })
		})
	}
}

func TestNewFindsTheServerThatRuns(t *testing.T) {
	p := newPod(t)

	other, err := client.New(p.serverConfig(t))
	must(t, err)
	expect(t, "pid", other.PID(), p.PID())

	// The client has no other way to close its connection than a call that fails.
	mustFail(t, "reopen of an unknown container",
		other.ReopenLogContainer(bounded(t), &client.ReopenLogContainerConfig{ID: "unknown"}))
}

func TestNewInALongDirectory(t *testing.T) {
	p := newPod(t, func(config *client.ConmonServerConfig) {
		config.ServerRunDir = place(t, strings.Repeat("a", 80)+"/"+strings.Repeat("b", 80))
	})

	expect(t, "exit code", p.run(containerOptions{args: []string{"workload", "exit", "4"}}).exit(), 4)
}

func TestNewMakesItsDirectoryItself(t *testing.T) {
	p := newPod(t, func(config *client.ConmonServerConfig) {
		config.ServerRunDir = place(t, "not/there/yet")
	})

	if _, err := p.Version(bounded(t), nil); err != nil {
		t.Fatal(err)
	}
}

func TestNewReplacesAServerThatWasKilled(t *testing.T) {
	p := newPod(t)
	first := int(p.PID())
	must(t, syscall.Kill(first, syscall.SIGKILL))

	if !eventually(func() bool { return !alive(first) }) {
		t.Fatal("the killed server is still there")
	}

	next := newPod(t)
	if int(next.PID()) == first {
		t.Error("the client did not start another server")
	}

	expect(t, "exit code", next.run(containerOptions{args: []string{"workload", "exit", "6"}}).exit(), 6)
}

func TestNewWithoutItsRuntimeFails(t *testing.T) {
	g := loadGround(t)
	config := g.serverConfig(t)
	config.Runtime = g.path("no-such-runtime")

	_, err := client.New(config)
	said := mustFail(t, "start", err)
	expectText(t, "error", said+readOr(g.path("server.log")), "no-such-runtime")

	if exists(filepath.Join(g.RuntimeDir, "conmon.sock")) || exists(filepath.Join(g.RuntimeDir, "pidfile")) {
		t.Error("the server that did not start left something in its directory")
	}
}

func TestNewWithTracingStartsWithoutACollector(t *testing.T) {
	p := newPod(t, func(config *client.ConmonServerConfig) {
		config.Tracing = &client.Tracing{Enabled: true, Endpoint: "http://127.0.0.1:1"}
	})

	expect(t, "exit code", p.run(containerOptions{args: []string{"workload", "exit", "5"}}).exit(), 5)
}

func TestVersionTellsWhatTheServerIs(t *testing.T) {
	p := newPod(t)

	for _, verbose := range []bool{false, true} {
		version, err := p.Version(bounded(t), &client.VersionConfig{Verbose: verbose})
		must(t, err)
		expect(t, "process id", version.ProcessID, p.PID())

		for name, text := range map[string]string{
			"version": version.Version, "commit": version.Commit, "build date": version.BuildDate,
			"target": version.Target, "rust version": version.RustVersion, "cargo version": version.CargoVersion,
		} {
			if text == "" {
				t.Errorf("the %s is empty", name)
			}
		}

		expect(t, "cargo tree given", version.CargoTree != "", verbose)
	}
}

func TestVersionOfTheBinaryNeedsNoServer(t *testing.T) {
	p := newPod(t)

	binary, err := client.Version(p.Server)
	must(t, err)

	server, err := p.Version(bounded(t), nil)
	must(t, err)

	expect(t, "version", binary.Version, server.Version)
	expect(t, "commit", binary.Commit, server.Commit)
	expect(t, "build date", binary.BuildDate, server.BuildDate)
	expect(t, "target", binary.Target, server.Target)
	expect(t, "rust version", binary.RustVersion, server.RustVersion)
	expect(t, "cargo tree", binary.CargoTree, "")

	text, err := exec.Command(p.Server, "--version-json=full").Output()
	must(t, err)

	var full client.ServerVersion

	must(t, json.Unmarshal(text, &full))

	if full.CargoTree == "" {
		t.Error("the full version has no cargo tree")
	}
}

func TestCallsAtOnceOverOneConnection(t *testing.T) {
	p := newPod(t)
	failed := make(chan error, 200)

	for range cap(failed) {
		go func() {
			_, err := p.Version(context.Background(), nil)
			failed <- err
		}()
	}

	for range cap(failed) {
		must(t, <-failed)
	}
}

func TestShutdownEndsContainersAndLeavesNothing(t *testing.T) {
	p := newPod(t)
	running := p.healthy()
	stubborn := p.run(containerOptions{args: []string{"workload", "ignore-term", "then", "pause"}})
	terminal := p.run(containerOptions{args: []string{"workload", "pause"}, terminal: true})
	created := p.created(containerOptions{args: []string{"true"}})

	must(t, p.Shutdown())

	for _, c := range []*container{running, stubborn, terminal, created} {
		if !eventually(func() bool { return !alive(c.pid) }) {
			t.Errorf("process %d of %s outlives the server", c.pid, c.id)
		}
	}

	for _, c := range []*container{running, stubborn, terminal} {
		expect(t, "exit code of "+c.id, c.exit(), 137)
	}

	expect(t, "server alive", alive(int(p.PID())), false)
}

func TestShutdownIsQuick(t *testing.T) {
	p := newPod(t)
	p.healthy()

	started := time.Now()

	must(t, p.Shutdown())

	// The client polls every 100 ms and gives up after ten seconds.
	if took := time.Since(started); took > 8*time.Second {
		t.Errorf("the shutdown took %s", took)
	}
}

func TestShutdownOfAServerThatIsGone(t *testing.T) {
	p := newPod(t)
	must(t, p.Shutdown())
	must(t, p.Shutdown())
}
