package study

// What is known of the paper: its statements and captions of the first figures were read; the panels of some figures, and what Table 1 holds, were
// not. Certain says so for each entry, in these words.
const (
	stated   = "stated in the paper"
	partly   = "the statement is the paper's; which networks and panels it shows is recalled, not read"
	unread   = "the appendix that has these figures was read in notes of others; which number shows what is not known"
	unknown  = "not read: what it holds is not known"
	inScript = "an output of the authors' released code, which the paper gives no number"
)

var (
	// spawningNets and permutingNets are the subjects whose pairs share a beginning, or are brought in line by a permutation.
	spawningNets  = []string{"mlp", "vgg16-bn", "resnet20"}
	permutingNets = []string{"mlp-rebasin", "mlp-cifar10", "resnet20-ln-x1", "resnet20-ln-x2", "resnet20-ln-x4"}
	allNets       = append(append([]string{}, spawningNets...), permutingNets...)

	asReleased = []string{interpolate}
	rawReset   = []string{interpolate, "reset"}
	rawFolded  = []string{interpolate, interpolate + "-folded"}
	allBlends  = []string{interpolate, interpolate + "-folded", "reset"}
	everyOne   = []string{interpolate, interpolate + "-folded", "reset", "repair", "rescale"}
)

// Registry lists the figures, tables and statements of arXiv 2307.08286 in the paper's order, and what its released code gives beside them.
func Registry() []Item {
	const smaller = "The paper's networks are larger and train longer than a scale below \"paper\" allows; the same entry runs at --scale paper on a GPU."
	return []Item{
		{ID: "figure-1", Name: "Figure 1", Source: "§1", About: "feature maps of A, of θ_α and of B for three images", Kind: ItemFigure, Numbers: []int{1},
			States:  "The features of a network on the line between two linearly connected networks are the blend of theirs.",
			Expect:  "A drawing in the paper. Here measured: one row for each of f(θ_A), f(θ_α), the blend of f(θ_A) and f(θ_B), and f(θ_B), a column for each of three test images; the second and the third row look the same.",
			Certain: stated, Subjects: spawningNets, Policies: asReleased, Measures: []string{"features"}, Figures: []string{"maps-*"},
			Note: "One channel of one layer, the most active one, of a network of convolutions; of an MLP the units of the first hidden layer, set in rows."},
		{ID: "figure-2", Name: "Figure 2", Source: "§4", About: "1 − cos by layer, spawned pairs", Kind: ItemFigure, Numbers: []int{2},
			States:  "Spawned pairs satisfy layerwise linear feature connectivity: at every layer the features of θ_α point where the blend of the features of A and B points.",
			Expect:  "E[1 − cos_α] by layer for α = 0.25, 0.5 and 0.75, near 0 and far below E[1 − cos_{A,B}], which is clearly above 0. Bars: standard deviation over images.",
			Certain: partly, Subjects: spawningNets, Policies: rawReset, Measures: []string{"one_minus_cos", "baseline"},
			Figures: []string{"llfc-spawned-*", "llfc-{spawned}-*"}, Claims: []string{"spawned-*/llfc", "spawned-*/baseline", "{spawned}/spawned-*/*/baseline", "exact/first-layer"},
			Note: smaller + " ResNet-50 on Tiny-ImageNet, which the paper has too, has no entry yet."},
		{ID: "figure-3", Name: "Figure 3", Source: "§4", About: "1 − cos by layer, permuted pairs", Kind: ItemFigure, Numbers: []int{3},
			States:  "So do independent networks once a permutation of the units of one has brought them onto a line with no barrier (Git Re-Basin).",
			Expect:  "As in Figure 2, of permuted pairs.",
			Certain: partly, Subjects: permutingNets, Policies: everyOne, Measures: []string{"one_minus_cos", "baseline"},
			Figures: []string{"llfc-permuted*", "llfc-{permuted}-*", "width"}, Claims: []string{"permuted*/llfc", "permuted*/baseline", "permuted*/*/llfc", "permuted*/*/matching", "permuted*/*/width", "exact/first-layer"},
			Note: "The paper's ResNet-20 with layer norm is 32 times as wide; here it is 1, 2 and 4 times, at which matching leaves a barrier."},
		{ID: "figure-4", Name: "Figure 4", Source: "§4", About: "connected pairs beside pairs that are not", Kind: ItemFigure, Numbers: []int{4},
			States:  "Networks that are not linearly connected do not have this property.",
			Expect:  "E[1 − cos_½] by layer: that of independent pairs lies far above that of connected ones.",
			Certain: partly, Subjects: allNets, Policies: allBlends, Measures: []string{"one_minus_cos", "error"},
			Figures: []string{"llfc-half", "llfc-independent", "llfc-unpermuted*", "llfc-{spawned}-*", "llfc-{permuted}-*"},
			Claims:  []string{"independent/llfc", "independent/lmc", "unpermuted*/llfc", "unpermuted*/lmc", "{spawned}/spawned-*/*/against", "{spawned}/independent/*/lmc"}},
		{ID: "figure-5", Name: "Figure 5", Source: "§5.1, Definition 3", About: "weak additivity for ReLU, spawned pairs", Kind: ItemFigure, Numbers: []int{5},
			States:  "The ReLUs of linearly connected networks are nearly additive on their pre-activations: σ(αz_A + (1−α)z_B) is close to ασ(z_A) + (1−α)σ(z_B).",
			Expect:  "The distribution over images of Dist_σ, the largest over α, at every ReLU, and its mean: that of spawned pairs near 0, that of independent ones much larger.",
			Certain: partly, Subjects: spawningNets, Policies: asReleased, Measures: []string{"dist_sigma_max", "dist_sigma_half", "sign_disagreement"},
			Figures: []string{"weak-ecdf", "weak-layers", "weak-{spawned}"}, Claims: []string{"spawned-*/weak", "{spawned}/spawned-*/interpolate/weak"},
			Note: "The maximum is taken over α = 0.05, 0.10 … 0.95; the released code looks at ½ only, where it is nearly attained."},
		{ID: "figure-6", Name: "Figure 6", Source: "§5.1, Definition 3", About: "weak additivity for ReLU, permuted pairs", Kind: ItemFigure, Numbers: []int{6},
			States: "The same of permuted pairs.", Expect: "As in Figure 5.",
			Certain: partly, Subjects: permutingNets, Policies: asReleased, Measures: []string{"dist_sigma_max", "dist_sigma_half", "sign_disagreement"},
			Figures: []string{"weak-ecdf", "weak-layers", "weak-{permuted}"}, Claims: []string{"permuted*/weak"}},
		{ID: "figure-7", Name: "Figure 7", Source: "§5.1, Definition 4", About: "commutativity, spawned and permuted pairs", Kind: ItemFigure, Numbers: []int{7},
			States:  "The weights and the features of linearly connected networks may be exchanged between them: W_A H_A + W_B H_B is close to W_A H_B + W_B H_A.",
			Expect:  "Dist_com by linear map beside Dist_W and Dist_H, the distances of the weights and of their inputs, which are clearly above 0: Dist_com is negligible beside them.",
			Certain: stated, Subjects: allNets, Policies: rawFolded, Measures: []string{"dist_com", "dist_w", "dist_h"},
			Figures: []string{"commute-spawned-*", "commute-permuted*", "commute-{spawned}", "commute-{permuted}"},
			Claims:  []string{"spawned-*/commute", "permuted*/commute", "{spawned}/spawned-*/*/commute"},
			Note:    "One number for each map and pair over all test images, so it has no deviation over images. The formulas of the three distances are recalled, not read. Of networks with batch norm, raw and folded into the maps."},
		{ID: "figure-8-15", Name: "Figures 8–15", Source: "App. B.2", About: "further networks, and the size of features on the line", Kind: ItemFigure, Numbers: []int{8, 9, 10, 11, 12, 13, 14, 15},
			States:  "1 − cos_α is near 0, and coef_α close to 1 in most cases, for further networks, data and ways of matching.",
			Expect:  "E[coef_α] by layer for α = 0.25, 0.5 and 0.75, coef_α = ⟨f_α, f_int⟩ / ‖f_int‖²; 1 is f(θ_α) as large as the blend. And Figures 2 and 3 of further networks, which stand there.",
			Certain: unread, Subjects: allNets, Policies: rawReset, Measures: []string{"coef", "one_minus_cos"},
			Figures: []string{"coef-*"}, Claims: []string{"*/coef-low", "*/coef-high"},
			Note: "coef falls below 1 with depth, most in permuted pairs: close to 1 is meant loosely. The straight-through estimator, which the paper matches with too, is not here."},
		{ID: "figure-16-19", Name: "Figures 16–19", Source: "App. B.3", About: "commutativity of pairs that are not connected", Kind: ItemFigure, Numbers: []int{16, 17, 18, 19},
			States:  "Commutativity holds for further networks, and is violated by pairs that are not linearly connected.",
			Expect:  "As in Figure 7; of independent pairs Dist_com is of the size of Dist_W and Dist_H.",
			Certain: unread + "; that independent pairs are among them is recalled", Subjects: allNets, Policies: rawFolded, Measures: []string{"dist_com", "dist_w", "dist_h"},
			Figures: []string{"commute-independent", "commute-unpermuted*", "commute-{spawned}", "commute-{permuted}"},
			Claims:  []string{"independent/commute", "unpermuted*/commute", "{spawned}/independent/*/commute"}},
		{ID: "figure-20-22", Name: "Figures 20–22", Source: "App. B.5", About: "singular values of weights and of features", Kind: ItemFigure, Numbers: []int{20, 21, 22},
			States:  "Weights and features of wide, well trained networks are of low rank, those of narrow or barely trained ones are not; so a permutation can make the former commute.",
			Expect:  "Singular values over the largest one against their number, by layer, of wide and narrow and of trained and barely trained networks: the former fall off fast.",
			Certain: unread, Subjects: permutingNets, Measures: []string{"singular values of weights and of features"},
			Needs: "subjects of several widths and lengths of training; Lab.Spectra takes the spectra, in notebook 10"},
		{ID: "table-1", Name: "Table 1", Source: "not known", About: "the pairs: errors, losses and barriers", Kind: ItemTable, Numbers: []int{1},
			States:  "Not known. What a reader needs before everything else stands in its place.",
			Expect:  "Error and loss of both ends and in the middle, and the barriers, of every pair.",
			Certain: unknown, Subjects: allNets, Policies: everyOne, Measures: []string{"error", "loss"}, Tables: []string{"errors", "losses", "policies", "matching"},
			Note: "Nothing is claimed."},
		{ID: "table-2", Name: "Table 2", Source: "App. B.4", About: "stitched networks, VGG-16 on CIFAR-10, spawned", Kind: ItemTable, Numbers: []int{2},
			States:  "The first layers of A put before the last ones of B, with nothing trained between them, err hardly more than A (6.87 %) and B (7.1 %): 6.88 to 11.84 %, by where they are joined.",
			Expect:  "Test error of the stitched network at every cut.",
			Certain: stated, Subjects: []string{"vgg16-bn"}, Measures: []string{"error of stitched networks"}, Needs: "a place for stitched networks in the study; Lab.Stitched measures them, in notebook 09"},
		{ID: "table-3", Name: "Table 3", Source: "App. B.4", About: "stitched networks, ResNet-20 on CIFAR-10, spawned", Kind: ItemTable, Numbers: []int{3},
			States: "The same of ResNet-20: ends 8.69 and 8.58 %, stitched 8.99 to 13.35 %.", Expect: "Test error of the stitched network at every cut.",
			Certain: stated, Subjects: []string{"resnet20"}, Measures: []string{"error of stitched networks"}, Needs: "a place for stitched networks in the study; Lab.Stitched measures them, in notebook 09"},
		{ID: "definition-1", Name: "Definition 1", Source: "§3; LMC.py of the released code", About: "linear mode connectivity: the error along the line", Kind: ItemStatement,
			States:  "Spawned and permuted pairs are linearly connected: every network on the line between the two is about as good as they are.",
			Expect:  "Test error and loss against α: flat for spawned and permuted pairs, a hump for independent ones.",
			Certain: inScript, Subjects: allNets, Policies: everyOne, Measures: []string{"error", "loss"},
			Figures: []string{"path-*"}, Claims: []string{"spawned-*/lmc", "permuted*/lmc", "{spawned}/spawned-*/*/lmc"},
			Note: "Odd numbers of α, so that ½ is among them; the released code takes 30, where it is not."},
		{ID: "lemma-1", Name: "Lemma 1", Source: "§4, App. A.1", About: "linear features at the output bound the error on the line", Kind: ItemStatement,
			States:  "Where the logits of θ_α are the blend of those of A and B, up to a scale, θ_α errs at most as often as A and B together.",
			Expect:  "Error along the line and of the blended logits below Err_A + Err_B: the latter for any pair, the former where the logits interpolate linearly.",
			Certain: stated, Subjects: []string{"mlp", "mlp-rebasin"}, Policies: asReleased, Measures: []string{"error"},
			Figures: []string{"lemma1-*"}, Claims: []string{"*/lemma1"}},
		{ID: "theorem-1", Name: "Theorem 1", Source: "§5.1, App. A.2", About: "weak additivity and commutativity give linear features", Kind: ItemStatement,
			States:  "A pair that satisfies Definitions 3 and 4 exactly at every layer has f(θ_α) = αf(θ_A) + (1−α)f(θ_B) exactly.",
			Expect:  "A pair that is built to satisfy both: B is A with its last hidden layer doubled. 1 − cos_½ is 0 up to rounding at every layer.",
			Certain: stated, Subjects: []string{"mlp"}, Policies: asReleased, Measures: []string{"dist_sigma_max", "dist_com", "one_minus_cos"},
			Claims: []string{"exact/theorem1-premises", "exact/theorem1", "exact/first-layer"},
			Note:   "An identity: it holds at any scale, and tells of a mistake where it does not. Batch norm is not affine in its weights, so the theorem does not speak of such networks as they are."},
		{ID: "section-5-2", Name: "Section 5.2", Source: "§5.2, Eq. 9", About: "what matching makes small: weights, features, or their product", Kind: ItemStatement,
			States:  "Commutativity asks that (W_A − P_ℓ W_B P_{ℓ−1}ᵀ)(H_A − P_{ℓ−1} H_B) vanishes. Weight matching makes the first factor small, activation matching the second, and so both find pairs that commute.",
			Expect:  "Σ Dist_W smaller after weight matching, Σ Dist_H smaller after activation matching; Σ Dist_com and the barrier small after either. Whether making the product small is better still is a question of ours, with a method of ours.",
			Certain: stated, Subjects: []string{"mlp-rebasin", "mlp-cifar10"}, Policies: asReleased, Measures: []string{"dist_w", "dist_h", "dist_com", "error"},
			Tables: []string{"methods"}, Claims: []string{"*/activation-dist-h", "*/weight-dist-w", "*/product-com", "*/product-barrier"}},
		{ID: "appendix-a3", Name: "App. A.3", Source: "App. A.3", About: "finding the permutation is NP-hard", Kind: ItemStatement,
			States:  "The permutation that makes (W_A − P_ℓ W_B P_{ℓ−1}ᵀ)(H_A − P_{ℓ−1} H_B) smallest is that of a sum of quadratic assignment problems.",
			Expect:  "On networks so small that all permutations can be tried: how far from the best one weight and activation matching end.",
			Certain: stated, Subjects: []string{"mlp-rebasin"}, Measures: []string{"the product of Eq. 9 under a permutation"}, Needs: "a search over all permutations of small networks"},
		{ID: "appendix-b5", Name: "App. B.5", Source: "App. B.5", About: "why width and training help matching", Kind: ItemStatement,
			States:  "Matching succeeds on wide, well trained networks because their weights and features are of low rank.",
			Expect:  "Over widths and lengths of training: how fast singular values fall, Dist_com after matching, and the barrier.",
			Certain: unread, Subjects: permutingNets, Measures: []string{"singular values", "dist_com", "error"}, Needs: "subjects of several lengths of training; Lab.Spectra takes the spectra, in notebook 10"},
		{ID: "principal-angles", Name: "Principal angles", Source: "principal_angle.py of the released code", About: "angles between the leading singular subspaces of weights", Kind: ItemStatement,
			States:  "No statement of the paper.",
			Expect:  "Angles in degrees between the leading five left, and right, singular vectors of the two weights of every map: small for spawned pairs, near 90° for independent ones.",
			Certain: inScript, Subjects: allNets, Measures: []string{"principal angles"}, Needs: "a place for spectra in the study; Lab.Spectra takes the angles, in notebook 10"},
	}
}
