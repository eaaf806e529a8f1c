package memory

import (
	"runtime"
	"testing"
	"testing/fstest"
)

func TestAvailable(t *testing.T) {
	const meminfo = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n"
	for _, c := range []struct {
		what  string
		files map[string]string
		want  int64
		ok    bool
	}{
		{"nothing is told", nil, 0, false},
		{"no group", map[string]string{"proc/meminfo": meminfo}, 8000000 << 10, true},
		{"no limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "5\n"},
			8000000 << 10, true},
		{"a limit", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000\n",
			"sys/fs/cgroup/memory.current": "700\n", "sys/fs/cgroup/memory.stat": "anon 5\ninactive_file 100\n"}, 400, true},
		{"a group above", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user.slice/a.scope\n",
			"sys/fs/cgroup/user.slice/a.scope/memory.max": "max", "sys/fs/cgroup/user.slice/a.scope/memory.current": "10",
			"sys/fs/cgroup/user.slice/memory.max": "3000", "sys/fs/cgroup/user.slice/memory.current": "1000"}, 2000, true},
		{"a container whose path is that of the host", map[string]string{"proc/self/cgroup": "0::/../abc/def\n",
			"sys/fs/cgroup/memory.max": "3000", "sys/fs/cgroup/memory.current": "1000"}, 2000, true},
		{"version 1", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "3:cpu,cpuacct:/x\n2:memory:/docker/1\n",
			"sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "9000", "sys/fs/cgroup/memory/docker/1/memory.usage_in_bytes": "8000",
			"sys/fs/cgroup/memory/docker/1/memory.stat": "total_inactive_file 500\n"}, 1500, true},
		{"used up", map[string]string{"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "10", "sys/fs/cgroup/memory.current": "12"}, 0, true},
		{"a limit beyond the machine", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "1:memory:/", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
			"sys/fs/cgroup/memory/memory.usage_in_bytes": "1"}, 8000000 << 10, true},
		{"damaged", map[string]string{"proc/meminfo": "MemAvailable: much\n", "proc/self/cgroup": "nonsense\n::\n"}, 0, false},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if n, ok := available(root); n != c.want || ok != c.ok {
			t.Errorf("%s: %d, %t, expected %d, %t", c.what, n, ok, c.want, c.ok)
		}
	}
	if n, ok := Available(); runtime.GOOS == "linux" && (!ok || n < 1<<20) {
		t.Errorf("this machine: %d, %t", n, ok)
	}
}
