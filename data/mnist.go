package data

import "context"

// mnistSource is MNIST (Y. LeCun, C. Cortes, C. Burges) from its four official IDX files, with the customary
// normalisation, mean 0.1307 and deviation 0.3081 of x = pixel/255.
func mnistSource() source {
	return source{
		name:  "mnist",
		about: "MNIST handwritten digits, 28×28 (Y. LeCun, C. Cortes, C. Burges): 60,000 train, 10,000 test",
		files: mnistFiles(),
		load:  loadMNIST,
	}
}

// mnistFiles pins the official files by the SHA-256 of what is in the gzip, since mirrors compress differently.
func mnistFiles() collection {
	return collection{
		name:    "mnist",
		folders: []string{"", "mnist", "MNIST/raw"}, // the last as torchvision lays it
		files: []file{
			idxImageFile(60000, 28, 28, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-images-idx3-ubyte", "train-images.idx3-ubyte"),
			idxLabelFile(60000, 10, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
			idxImageFile(10000, 28, 28, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
			idxLabelFile(10000, 10, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", "t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
		},
		mirrors: []string{
			"https://ossci-datasets.s3.amazonaws.com/mnist",
			"https://storage.googleapis.com/cvdf-datasets/mnist",
			"http://yann.lecun.com/exdb/mnist",
		},
	}
}

// loadMNIST reads files: training images and labels, test images and labels.
func loadMNIST(ctx context.Context, o Options, files collection) (train, test *Set, err error) {
	got, err := files.read(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	split := func(name string, images, labels content) (*Set, error) {
		s, err := parseIDXPair(images.path, images.bytes, labels.path, labels.bytes, numerals())
		if err != nil {
			return nil, err
		}
		s.Name, s.Split, s.Mean, s.Std = "mnist", name, []float32{0.1307}, []float32{0.3081}
		return s, nil
	}
	if train, err = split("train", got[0], got[1]); err != nil {
		return nil, nil, err
	}
	if test, err = split("test", got[2], got[3]); err != nil {
		return nil, nil, err
	}
	return train, test, nil
}
