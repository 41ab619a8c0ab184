package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// ground is where one test works; whoever runs it has made the folder and removes it.
type ground struct {
	Server      string         `json:"server"`
	Kind        string         `json:"kind"` // podherd, or conmon-rs: what differs on purpose is asked of ours alone
	Runtime     string         `json:"runtime"`
	RuntimeName string         `json:"runtimeName"`
	RuntimeRoot string         `json:"runtimeRoot"`
	RuntimeDir  string         `json:"runtimeDir"`
	Folder      string         `json:"folder"`
	Cgroup      string         `json:"cgroup"`
	Full        bool           `json:"full"` // every volume at its full size
	Repository  string         `json:"repository"`
	Config      map[string]any `json:"config"` // a config.json to fill in
}

func loadGround(t *testing.T) ground {
	t.Helper()

	path := os.Getenv("PODHERD_CONFORMANCE_GROUND")
	if path == "" {
		t.Fatal("PODHERD_CONFORMANCE_GROUND names no file: run the tests by scripts/test conformance")
	}

	text, err := os.ReadFile(path)
	must(t, err)

	var loaded ground

	must(t, json.Unmarshal(text, &loaded))

	return loaded
}

// ours says whether what Podherd does otherwise than conmon-rs, on purpose, can be expected.
func (g *ground) ours() bool { return g.Kind == "podherd" }

// path is one in the test's folder.
func (g *ground) path(name string) string { return filepath.Join(g.Folder, name) }

// place is a path in the test's folder, for those who have no pod yet.
func place(t *testing.T, name string) string {
	t.Helper()

	g := loadGround(t)

	return g.path(name)
}

// volume is a number of bytes: the full one on demand, an eighth of it by default.
func (g *ground) volume(full int) int {
	if g.Full {
		return full
	}

	return full / 8
}

// bundle writes a bundle for a container and gives its path.
func (g *ground) bundle(t *testing.T, id string, options *containerOptions) string {
	t.Helper()

	// Through JSON and back: a copy that shares nothing with the template.
	text, err := json.Marshal(g.Config)
	must(t, err)

	var config map[string]any

	must(t, json.Unmarshal(text, &config))

	process := config["process"].(map[string]any)
	process["args"] = options.args
	process["terminal"] = options.terminal
	linux := config["linux"].(map[string]any)
	linux["cgroupsPath"] = "/" + g.Cgroup + "/" + id

	if options.change != nil {
		options.change(config)
	}

	path := filepath.Join(g.Folder, "bundles", id)
	must(t, os.MkdirAll(path, 0o755))

	text, err = json.Marshal(config)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(path, "config.json"), text, 0o600))

	return path
}
