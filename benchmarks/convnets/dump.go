package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/gomlx/gomlx/core/tensors"

	"layerwise/llfc/feed"
	"layerwise/llfc/network"
	"layerwise/llfc/train"
)

// dump writes what the others compare their results with:
//
//	about.json         the description: parameters in their order
//	before.safetensors θ with batch norms away from the identity, and the batch, "x" [batch, H, W, C] and "y" [batch]
//	after.safetensors  θ after one step on that batch, and "logits" [batch, classes] of θ before it, in evaluation
func dump(f *network.Model, folder string, batch int) error {
	about, err := f.Network.Description()
	if err != nil {
		return err
	}
	text, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "about.json"), text, 0o666); err != nil {
		return err
	}
	theta, err := jittered(f)
	if err != nil {
		return err
	}
	d, err := noiseFeed(f, batch) // a single batch: its order does not matter
	if err != nil {
		return err
	}
	defer d.Free()
	x, y, err := readAll(d)
	if err != nil {
		return err
	}
	if err := network.Save(filepath.Join(folder, "before.safetensors"), append(theta.Clone(), x, y), nil); err != nil {
		return err
	}
	logits, err := f.Logits(theta, x)
	if err != nil {
		return err
	}
	logits.Name = "logits"
	// The decay is strong, so that a weight left out of it shows.
	after, err := train.Train(context.Background(), f, theta, d, config(batch, 1, 0.1, 0.1))
	if err != nil {
		return err
	}
	return network.Save(filepath.Join(folder, "after.safetensors"), append(after.Clone(), logits), nil)
}

// jittered is θ₀ with scales, shifts and buffers of norms drawn around their start, so that a mistake in any of them shows.
func jittered(f *network.Model) (network.Params, error) {
	theta, err := f.Init(1)
	if err != nil {
		return nil, err
	}
	theta = theta.Clone()
	rng := rand.New(rand.NewPCG(3, 4))
	for i, p := range f.About.Params {
		for j := range theta[i].Data {
			switch p.Role {
			case network.Scale, network.Variance:
				theta[i].Data[j] *= 0.7 + 0.6*rng.Float32()
			case network.Shift, network.Mean:
				theta[i].Data[j] += 0.2 * float32(rng.NormFloat64())
			}
		}
	}
	return theta, nil
}

func readAll(d *feed.Feed) (x, y network.Tensor, err error) {
	index, _ := feed.Indices(d.Len(), d.Len())
	dx, dy, err := d.Read(index[0])
	if err != nil {
		return x, y, err
	}
	defer network.Free(dx, dy)
	x = network.Tensor{Name: "x", Dims: append([]int{d.Len()}, d.Set.Shape...)}
	y = network.Tensor{Name: "y", Dims: []int{d.Len()}}
	if x.Data, err = tensors.CopyFlatData[float32](dx); err != nil {
		return x, y, err
	}
	for _, label := range d.Set.Labels {
		y.Data = append(y.Data, float32(label))
	}
	return x, y, nil
}
