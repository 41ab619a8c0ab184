package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/containers/conmon-rs/pkg/client"
)

// handler is a table of [crio.runtime.runtimes], with the options that CRI-O knows of it.
type handler struct {
	RuntimePath            string   `toml:"runtime_path"`
	RuntimeType            string   `toml:"runtime_type"`
	RuntimeRoot            string   `toml:"runtime_root"`
	MonitorPath            string   `toml:"monitor_path"`
	MonitorCgroup          string   `toml:"monitor_cgroup"`
	MonitorEnv             []string `toml:"monitor_env"`
	StreamWebsockets       bool     `toml:"stream_websockets"`
	ContainerCreateTimeout int64    `toml:"container_create_timeout"`
}

type crioConfig struct {
	Crio struct {
		Runtime struct {
			DefaultRuntime string             `toml:"default_runtime"`
			Runtimes       map[string]handler `toml:"runtimes"`
		} `toml:"runtime"`
	} `toml:"crio"`
}

func (g *ground) text(t *testing.T, path string) string {
	t.Helper()

	text, err := os.ReadFile(filepath.Join(g.Repository, path))
	must(t, err)

	return string(text)
}

func TestCrioDropInGivesAMonitorThatWorks(t *testing.T) {
	g := loadGround(t)
	if !g.ours() {
		t.Skip("the drop-in is that of podherd")
	}

	var config crioConfig

	// The parser that CRI-O has.
	read, err := toml.Decode(g.text(t, "contrib/crio/50-podherd.conf"), &config)
	must(t, err)

	if unknown := read.Undecoded(); len(unknown) > 0 {
		t.Errorf("options that CRI-O does not know: %v", unknown)
	}

	if _, there := config.Crio.Runtime.Runtimes[config.Crio.Runtime.DefaultRuntime]; !there {
		t.Errorf("no table for the default runtime %q", config.Crio.Runtime.DefaultRuntime)
	}

	// CRI-O takes the log driver from it, and no other word.
	drivers := []string{"LOG_DRIVER=none", "LOG_DRIVER=stdout", "LOG_DRIVER=systemd"}

	for name, h := range config.Crio.Runtime.Runtimes {
		expect(t, "type of "+name, h.RuntimeType, "pod")
		expect(t, "name of the monitor of "+name, filepath.Base(h.MonitorPath), filepath.Base(g.Server))
		expect(t, "cgroup of the monitor of "+name, h.MonitorCgroup, "pod")

		if len(h.MonitorEnv) != 1 || !slices.Contains(drivers, h.MonitorEnv[0]) {
			t.Errorf("monitor_env of %s: %v", name, h.MonitorEnv)
		}
	}

	// Started from the table as CRI-O does it, but for where things are in this test.
	h, there := config.Crio.Runtime.Runtimes["podherd-"+g.RuntimeName]
	expect(t, "a table for "+g.RuntimeName, there, true)
	expect(t, "root of the runtime", h.RuntimeRoot, "/run/"+g.RuntimeName)

	p := newPod(t, func(server *client.ConmonServerConfig) {
		server.Runtime = h.RuntimePath
		server.LogDriver = client.LogDriver(strings.TrimPrefix(h.MonitorEnv[0], "LOG_DRIVER="))
	})
	expect(t, "exit code", p.run(containerOptions{args: []string{"workload", "exit", "3"}}).exit(), 3)
}

func TestCrioDocumentsNameFlagsThatExist(t *testing.T) {
	g := loadGround(t)
	if !g.ours() {
		t.Skip("the documents are those of podherd")
	}

	text, err := exec.Command(g.Server, "--help").Output()
	must(t, err)

	help := string(text)
	limits := g.text(t, "contrib/crio/podherd-limits.conf")
	documents := g.text(t, "docs/cri-o.md") + limits + g.text(t, "contrib/crio/50-podherd.conf")

	// These are the runtime's, and those of other programs in the examples.
	others := []string{"--systemd-cgroup", "--root", "--help", "--version-json"}

	for _, flag := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(documents, -1) {
		if !slices.Contains(others, flag) && !strings.Contains(help, flag+" ") && !strings.Contains(help, flag+"\n") {
			t.Errorf("%s is no flag of podherd", flag)
		}
	}

	settings := regexp.MustCompile(`(?m)^Environment=(PODHERD_[A-Z_]+)=(\S+)$`).FindAllStringSubmatch(limits, -1)
	if len(settings) == 0 {
		t.Error("the drop-in of the service sets nothing")
	}

	for _, setting := range settings {
		wanted := "[env: " + setting[1] + "=]\n          [default: " + setting[2] + "]"
		expectText(t, "help", help, wanted)
	}
}
