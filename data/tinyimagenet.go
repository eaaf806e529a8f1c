package data

import (
	"fmt"
	"slices"
	"strings"

	"layerwise/internal/impostor"
)

// tinyImageNet is the size of the set, so that tests can have a smaller one.
type tinyImageNet struct{ classes, train, test, side int }

// tinyImageNetSource is Tiny-ImageNet (Stanford CS231n). Its validation images are the test split, as its test images have
// no labels. About 2 % of the files are grey; they become RGB with R = G = B, as everywhere in the literature.
func tinyImageNetSource() source {
	e := tinyImageNet{200, 100000, 10000, 64}.edition()
	e.archive = file{names: []string{"tiny-imagenet-200.zip"}, size: 248100043, packed: true,
		sha256: "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821"}
	return source{
		name:  "tiny-imagenet",
		about: "Tiny-ImageNet photographs, 64×64×3, 200 classes (Stanford CS231n): 100,000 train, 10,000 validation as test",
		load:  loadPublished,
		files: collection{
			name: "tiny-imagenet", folders: []string{"", "tiny-imagenet"}, mirrors: []string{"http://cs231n.stanford.edu"},
			mean: []float32{.4802, .4481, .3975}, std: []float32{.2770, .2691, .2821},
			editions: []edition{e},
		},
	}
}

func (n tinyImageNet) edition() edition {
	return edition{folder: "tiny-imagenet-200", needs: []string{"wnids.txt", "train", "val/val_annotations.txt", "val/images"},
		decoder: imageDecoder("tiny-imagenet", n.layout, "wnids.txt", "val_annotations.txt")}
}

// layout understands train/WNID/images/file and val/images/file, the class of the latter in val/val_annotations.txt. The
// classes are WordNet's numbers in sorted order, as torchvision's ImageFolder has them.
func (n tinyImageNet) layout(where string, s survey) (classes []string, places []spot, err error) {
	text := map[string]string{}
	for name, b := range s.texts {
		if what := impostor.Reply(b); what != "" {
			return nil, nil, corrupt(where, -1, "%s: expected a text of names, found %s", name, what)
		}
		text[strings.TrimPrefix(name, "tiny-imagenet-200/")] = string(b)
	}
	classes = strings.Fields(text["wnids.txt"])
	slices.Sort(classes)
	if classes = slices.Compact(classes); len(classes) != n.classes {
		return nil, nil, corrupt(where, -1, "wnids.txt names %d classes, expected %d", len(classes), n.classes)
	}
	number := map[string]int{}
	for i, c := range classes {
		number[c] = i
	}
	label := map[string]int{}
	for line := range strings.Lines(text["val/val_annotations.txt"]) {
		f := strings.Fields(line)
		if len(f) < 2 {
			return nil, nil, corrupt(where, -1, "val/val_annotations.txt: line %.60q, expected a file and its class", line)
		}
		c, ok := number[f[1]]
		if !ok {
			return nil, nil, corrupt(where, -1, "val/val_annotations.txt: %s has class %q, which is not in wnids.txt", f[0], f[1])
		}
		label[f[0]] = c
	}
	var count [2]int
	perClass := make([]int, len(classes)) // to train
	for _, p := range s.pictures {
		at, err := n.place(strings.Split(strings.TrimPrefix(p.name, "tiny-imagenet-200/"), "/"), number, label)
		if err != nil {
			return nil, nil, corrupt(where, -1, "%s: %v", p.name, err)
		}
		if at.split >= 0 {
			if count[at.split]++; at.split == 0 {
				perClass[at.class]++
			}
			if p.w != n.side || p.h != n.side {
				return nil, nil, corrupt(where, -1, "%s is %d×%d pixels, expected %d×%d", p.name, p.w, p.h, n.side, n.side)
			}
		}
		places = append(places, at)
	}
	if count != [2]int{n.train, n.test} {
		return nil, nil, corrupt(where, -1, "%d images in train/ and %d in val/, expected %d and %d%s", count[0], count[1], n.train, n.test,
			n.short(classes, perClass))
	}
	return classes, places, nil
}

// short names the classes that have too few images, as when unpacking was broken off.
func (n tinyImageNet) short(classes []string, perClass []int) string {
	want := n.train / n.classes
	var names []string
	for i, c := range classes {
		if perClass[i] < want {
			names = append(names, fmt.Sprintf("train/%s has %d of %d", c, perClass[i], want))
		}
	}
	if len(names) == 0 {
		return ""
	}
	more := ""
	if len(names) > 3 {
		names, more = names[:3], fmt.Sprintf(" and %d classes more", len(names)-3)
	}
	return fmt.Sprintf(": %s%s; unpack the archive again", strings.Join(names, ", "), more)
}

func (n tinyImageNet) place(parts []string, number, label map[string]int) (spot, error) {
	switch {
	case parts[0] == "test":
		return spot{-1, 0}, nil // without labels
	case len(parts) == 4 && parts[0] == "train" && parts[2] == "images":
		if c, ok := number[parts[1]]; ok {
			return spot{0, c}, nil
		}
		return spot{}, fmt.Errorf("class %q is not in wnids.txt", parts[1])
	case len(parts) == 3 && parts[0] == "val" && parts[1] == "images":
		if c, ok := label[parts[2]]; ok {
			return spot{1, c}, nil
		}
		return spot{}, fmt.Errorf("it is not in val/val_annotations.txt")
	}
	return spot{}, fmt.Errorf("expected train/WNID/images/file or val/images/file (a folder of split/class/file is read by images:PATH)")
}
