package network

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Description is what a network is made of, as data: `layerwise describe --json` prints it.
type Description struct {
	Network    Spec             `json:"network"`
	Parameters []DescribedParam `json:"parameters"`
	Taps       []DescribedTap   `json:"taps"`
	Groups     []DescribedGroup `json:"symmetry"`
	Count      int              `json:"parameter_count"`  // what training moves
	Buffers    int              `json:"buffer_count"`     // running statistics
	FLOPs      int64            `json:"flops_per_sample"` // forward pass; a multiply-add counts as two
}

// DescribedParam is one parameter tensor; its name is that of the tensor in a checkpoint.
type DescribedParam struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Role  Role   `json:"role"`
}

// DescribedTap is one named value; its name is the layer in every table.
type DescribedTap struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Shape []int  `json:"shape"` // of one sample
	Cut   bool   `json:"cut"`   // the network can start here
}

// DescribedGroup is a set of interchangeable units and the axes they permute: "fc1/w[1]".
type DescribedGroup struct {
	Name   string   `json:"name"`
	Size   int      `json:"size"`
	Places []string `json:"places"`
}

// Description derives the description of a network.
func (n Network) Description() (Description, error) {
	t, err := n.Describe()
	if err != nil {
		return Description{}, err
	}
	s, err := t.symmetry()
	if err != nil {
		return Description{}, err
	}
	d := Description{Network: n.Spec, FLOPs: t.FLOPs}
	for _, p := range t.Params {
		d.Parameters = append(d.Parameters, DescribedParam{p.Name, p.Dims, p.Role})
		if p.Buffer() {
			d.Buffers += size(p.Dims)
		} else {
			d.Count += size(p.Dims)
		}
	}
	for _, p := range t.Taps {
		d.Taps = append(d.Taps, DescribedTap{p.Name, p.Kind, p.Dims, p.Cut})
	}
	for _, g := range s.Groups {
		out := DescribedGroup{Name: g.Name, Size: g.Size}
		for _, p := range g.Places {
			out.Places = append(out.Places, fmt.Sprintf("%s[%d]", p.Tensor, p.Axis))
		}
		d.Groups = append(d.Groups, out)
	}
	return d, nil
}

// WriteText prints the description as tables.
func (d Description) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\n\nparameter\tshape\trole\n", d.Network.JSON())
	for _, p := range d.Parameters {
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Name, shape(p.Shape), p.Role)
	}
	fmt.Fprintf(t, "total\t%d\n", d.Count)
	if d.Buffers > 0 {
		fmt.Fprintf(t, "running statistics\t%d\n", d.Buffers)
	}
	fmt.Fprintf(t, "\ntap (layer)\tkind\tshape\tcut\n")
	for _, p := range d.Taps {
		fmt.Fprintf(t, "%s\t%s\t%s\t%t\n", p.Name, p.Kind, shape(p.Shape), p.Cut)
	}
	fmt.Fprintf(t, "\nsymmetry group\tunits\tplaces\n")
	for _, g := range d.Groups {
		fmt.Fprintf(t, "%s\t%d\t%s\n", g.Name, g.Size, strings.Join(g.Places, " "))
	}
	fmt.Fprintf(t, "\nforward pass\t%d FLOP per sample\n", d.FLOPs)
	return t.Flush()
}

func shape(dims []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(dims), " ", "×"), "[]")
}
