package native

import (
	"strconv"
	"strings"
)

// PluginName is what a backend with native operations calls its plugin; it is in the backend's description, and so builders of graphs know.
const PluginName = "cpu_native"

// Op is an operation that a graph may leave to this package. To do so the graph calls a function of the name [Op.Function] whose body computes
// the same in plain operations. On the backends of this package a handler takes its place; anywhere else the body counts.
//
//	forward          x [n,h,w,ci], w [k,k,ci,co] → y [n,oh,ow,co]; attributes stride, pad
//	input_gradient   dy, w → dx                                    the same
//	weight_gradient  x, dy → dw                                    the same
//	moments          x […,c] → mean [c], variance [c]              none
//	norm_sums        dy, x […,c], mean [c] → Σdy, Σdy·(x − mean)   none
//
// All tensors are float32. The pad lies on every side of an image.
type Op struct {
	Target     string
	Attributes []int
}

var targets = map[string]int{"forward": 2, "input_gradient": 2, "weight_gradient": 2, "moments": 0, "norm_sums": 0} // how many attributes

// Function is the name of the function for one place in a graph; id must be another one for every place.
func (o Op) Function(id int) string {
	return "native__" + o.Target + "__" + join(o.Attributes, "_") + "__" + strconv.Itoa(id)
}

// parseOp reads what Function wrote.
func parseOp(name string) (o Op, ok bool) {
	part := strings.Split(name, "__")
	if len(part) != 4 || part[0] != "native" {
		return o, false
	}
	n, known := targets[part[1]]
	if !known {
		return o, false
	}
	if _, err := strconv.Atoi(part[3]); err != nil {
		return o, false
	}
	o.Target = part[1]
	if part[2] != "" {
		for _, s := range strings.Split(part[2], "_") {
			v, err := strconv.Atoi(s)
			if err != nil {
				return o, false
			}
			o.Attributes = append(o.Attributes, v)
		}
	}
	return o, len(o.Attributes) == n
}

func join(v []int, by string) string {
	text := make([]string, len(v))
	for i, n := range v {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, by)
}
