package native

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var regenerate = flag.Bool("regen", false, "write the golden files anew")

// Each program of testdata beside what becomes of it.
func TestRewrite(t *testing.T) {
	programs, err := filepath.Glob(filepath.Join("testdata", "*.mlir"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, path := range programs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			program, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, changed := rewrite(string(program))
			if changed != (got != string(program)) {
				t.Errorf("changed is %v", changed)
			}
			golden := strings.TrimSuffix(path, ".mlir") + ".golden"
			if *regenerate {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nexpected\n%s", got, want)
			}
			if again, changed := rewrite(got); changed || again != got {
				t.Errorf("it changes a second time, to\n%s", again)
			}
		})
	}
}

// What is not quite a marked call stays as it is.
func TestRewriteLeavesOthers(t *testing.T) {
	const line = "  %2 = \"func.call\"(%0, %1) { callee = @native__forward__1_0__7 } : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>\n"
	if _, changed := rewrite(line); !changed {
		t.Fatal("the call itself is not recognised")
	}
	for _, replace := range [][2]string{
		{"native__forward", "forward"}, {"__forward__", "__backward__"}, {"1_0", "1"}, {"1_0", "1_0_0"}, {"1_0", "1_x"}, {"__7", "__x"}, {"__7", ""}, {"__7", "__7__8"},
		{"func.call", "call"}, {" } : ", ", more } : "}, {"callee = @", "callee = "}, {"\n", ""},
	} {
		changed := strings.Replace(line, replace[0], replace[1], 1)
		if changed == line {
			t.Fatalf("%q is not there", replace[0])
		}
		if got, _ := rewrite(changed); got != changed {
			t.Errorf("%q became %q", changed, got)
		}
	}
}

func TestOpNames(t *testing.T) {
	for _, o := range []Op{{Target: "forward", Attributes: []int{2, 1}}, {Target: "norm_sums"}} {
		name := o.Function(12)
		got, ok := parseOp(name)
		if !ok || got.Target != o.Target || join(got.Attributes, " ") != join(o.Attributes, " ") {
			t.Errorf("%s reads as %+v, %v", name, got, ok)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add("  %2 = \"func.call\"(%0) { callee = @native__moments____7 } : (tensor<1xf32>) -> tensor<1xf32>\nfunc.func @native__moments____7(\"{\\\"\"\n}\n")
	f.Fuzz(func(t *testing.T, program string) {
		if got, changed := rewrite(program); !changed && got != program {
			t.Errorf("%q became %q, and that is no change", program, got)
		}
	})
}
