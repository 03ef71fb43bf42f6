//! The feature extractor: backbone with attention, pooling, normalised feature.

use std::path::Path;

use tch::{Device, Kind, Tensor, nn};

use super::error::{ModelError, Result};
use super::layers::{BatchNorm, LayerMaker, Pass, channels_last, mean};
use super::maps::{self, PlacedMap};
use super::resnet::ResNet;
use super::weights::{self, LoadReport};
use crate::method::params::Backbone;

/// Which network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetSpec {
    /// The ResNet.
    pub backbone: Backbone,
    /// The pair of stages of Table 1 with attention blocks, 1-based: before the first, after the second.
    pub positions: Option<(usize, usize)>,
    /// 1, or 2 for domain-specific batch normalisation: 0 source, 1 target.
    pub domains: usize,
}

/// What a training pass gives.
#[derive(Debug)]
pub struct Output {
    /// `[B, d]`, after global average pooling, before `feat_bn`: the triplet loss's feature.
    pub pooled: Tensor,
    /// `[B, d]`, after `feat_bn`: the classifier's feature.
    pub bn: Tensor,
    /// `[B, d]`, `bn` at unit length: the memory's feature.
    pub feature: Tensor,
}

/// The network. Its tensors are shared with `vs`, under PyTorch's names.
#[derive(Debug)]
pub struct Net {
    /// All tensors by name: trainable ones and running statistics.
    pub vs: nn::VarStore,
    spec: NetSpec,
    resnet: ResNet,
    feat_bn: BatchNorm,
    bf16: bool,
    /// The power of generalised-mean pooling; plain averages without.
    gem: Option<f64>,
    /// The same as a tensor that training changes, `[1]`; it counts where it is there.
    learned: Option<Tensor>,
}

impl Net {
    /// A network with initial weights drawn from `seed`: Kaiming's for the backbone (torchvision, SpCL),
    /// PyTorch's default for the attention blocks.
    ///
    /// # Errors
    /// When `spec.positions` is not a pair of stages, or the device has no room.
    pub fn new(spec: &NetSpec, device: Device, seed: u64) -> Result<Self> {
        if let Some((first, second)) = spec.positions
            && !(1..=4).contains(&first) | !(1..=4).contains(&second) | (first > second)
        {
            return Err(ModelError::Shape(format!(
                "attention cannot stand before stage {first} and after stage {second}: stages go from 1 to 4"
            )));
        }
        let vs = nn::VarStore::new(device);
        let maker = LayerMaker::new(vs.root(), seed, spec.domains, true);
        let resnet = ResNet::new(&maker, spec.backbone, spec.positions)?;
        let feat_bn = BatchNorm::new(&maker.sub("feat_bn"), resnet.dim(), BatchNorm::MOMENTUM, true)?;
        Ok(Self { vs, spec: *spec, resnet, feat_bn, bf16: false, gem: None, learned: None })
    }

    /// Length of the feature.
    pub fn dim(&self) -> i64 {
        self.resnet.dim()
    }

    /// What it was built from.
    pub fn spec(&self) -> NetSpec {
        self.spec
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.vs.device()
    }

    /// From now on the last map is pooled by the generalised mean, `(mean of max(x, 1e−6)ᵖ)^(1/p)`, with one learned p
    /// (Cluster Contrast `pooling.py`, `GeneralizedMeanPoolingP`, where it begins as 3): the tensor `gap.p`.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn learn_gem(&mut self, p: f64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        match &mut self.learned {
            Some(learned) => {
                let _ = learned.f_fill_(p)?;
            }
            None => {
                let p = Tensor::f_full([1], p, (Kind::Float, self.vs.device()))?;
                self.learned = Some((self.vs.root() / "gap").add("p", p, true));
            }
        }
        Ok(())
    }

    /// Convolutions in bfloat16 from now on (for GPUs); weights and the feature stay float32.
    pub fn set_bf16(&mut self, on: bool) {
        self.bf16 = on;
    }

    /// For weights of programs whose networks differ in what no tensor's shape tells: whether a ReLU follows the stem
    /// (not in MMT's), and the power by which features are pooled (GeM; averages without).
    pub fn set_variant(&mut self, stem_relu: bool, gem: Option<f64>) {
        self.resnet.stem_relu = stem_relu;
        self.gem = gem;
    }

    fn pass(&self, train: bool, domain: usize) -> Pass {
        Pass { train, domain, bf16: self.bf16, ..Pass::default() }
    }

    /// `[B, 3, H, W]` to the last map `[B, d, h, w]`.
    fn last_map(&self, x: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        if x.size().get(1) != Some(&3) || x.dim() != 4 {
            return Err(ModelError::Shape(format!("images are [B, 3, H, W], these are {:?}", x.size())));
        }
        let x = channels_last(&x.f_to_device(self.device())?)?;
        let x = if pass.bf16 { x.f_to_kind(Kind::BFloat16)? } else { x };
        let map = self.resnet.forward(&x, pass)?;
        if pass.bf16 { Ok(map.f_to_kind(Kind::Float)?) } else { Ok(map) }
    }

    /// `[B, 3, H, W]` to the pooled feature `[B, d]`.
    fn pooled(&self, x: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        let map = self.last_map(x, pass)?;
        match (&self.learned, self.gem) {
            (Some(p), _) => generalised_mean(&map, p),
            (None, Some(p)) => {
                let powers = map.f_clamp_min(1e-6)?.f_pow_tensor_scalar(p)?;
                Ok(mean(&powers, &[2, 3], false)?.f_pow_tensor_scalar(1.0 / p)?)
            }
            (None, None) => mean(&map, &[2, 3], false),
        }
    }

    fn finish(&self, pooled: Tensor, pass: &Pass) -> Result<Output> {
        let bn = self.feat_bn.forward(&pooled, pass)?;
        let feature = unit_length(&bn)?;
        Ok(Output { pooled, bn, feature })
    }

    /// A pass with batch statistics and gradients over `x` `[B, 3, H, W]` of one domain.
    ///
    /// With `group` > 0 each `group` images share batch statistics, as SpCL's GPUs do (docs/METHOD.md, decision 15). Only
    /// batch normalisation couples images, so it alone takes the groups apart; each moves the running statistics, in
    /// order. A last group of one image joins the one before.
    ///
    /// # Errors
    /// When there are fewer than two images, or libtorch fails.
    pub fn forward_train(&self, x: &Tensor, domain: usize, group: usize) -> Result<Output> {
        let batch = x.size().first().copied().unwrap_or(0);
        if batch < 2 {
            return Err(ModelError::Shape("a training batch needs at least two images for its statistics".to_owned()));
        }
        let mut pass = Pass { groups: bn_groups(batch, group as i64), ..self.pass(true, domain) };
        let pooled = self.pooled(x, &mut pass)?;
        self.finish(pooled, &pass)
    }

    /// Features of unit length `[B, d]` of `x` `[B, 3, H, W]`, with running statistics and without gradients. An
    /// image's feature does not depend on the others of its batch.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn extract(&self, x: &Tensor, domain: usize) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        let mut pass = self.pass(false, domain);
        let pooled = self.pooled(x, &mut pass)?;
        Ok(self.finish(pooled, &pass)?.feature)
    }

    /// Whether features are plain averages over the last map, so that a similarity falls apart over its positions.
    pub fn averages(&self) -> bool {
        self.learned.is_none() && self.gem.is_none()
    }

    /// What each position of the two images of `pair` `[2, 3, H, W]` gives to the cosine of their features: with plain
    /// averages a feature is the mean of what batch normalisation makes of each position, so the cosine is exactly the sum
    /// over the positions of either image. `[2, h, w]`; each image's values sum to the cosine.
    ///
    /// # Errors
    /// When features are no plain averages, there are not two images, or libtorch fails.
    pub fn similarity_maps(&self, pair: &Tensor, domain: usize) -> Result<Tensor> {
        if !self.averages() || pair.size().first() != Some(&2) {
            let words = "a similarity falls apart over positions where features are averages of them, for two images";
            return Err(ModelError::Shape(words.to_owned()));
        }
        let _guard = tch::no_grad_guard();
        let mut pass = self.pass(false, domain);
        let map = self.last_map(pair, &mut pass)?;
        let (_, d, h, w) = map.size4().map_err(|e| ModelError::Shape(e.to_string()))?;
        // Each position as a row of its own, as if it were a pooled feature.
        let rows = map.f_permute([0, 2, 3, 1])?.f_reshape([2 * h * w, d])?;
        let rows = self.feat_bn.forward(&rows, &pass)?.f_reshape([2, h * w, d])?;
        let whole = mean(&rows, &[1], false)?;
        let unit = unit_length(&whole)?;
        let lengths = whole.f_norm_scalaropt_dim(2.0, [1i64], false)?;
        // Row 0 against the other image's feature, and the other way round.
        let others = unit.f_flip([0])?.f_unsqueeze(2)?;
        let given = rows.f_bmm(&others)?.f_squeeze_dim(2)?;
        let share = lengths.f_mul_scalar((h * w) as f64)?.f_unsqueeze(1)?;
        Ok(given.f_div(&share)?.f_reshape([2, h, w])?)
    }

    /// The attention maps of every image of `x` `[B, 3, H, W]`, from one evaluation pass; names in [`PlacedMap::name`].
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn attention_maps(&self, x: &Tensor, domain: usize) -> Result<Vec<Vec<PlacedMap>>> {
        let _guard = tch::no_grad_guard();
        let mut pass = Pass { recorded: Some(Vec::new()), ..self.pass(false, domain) };
        let _ = self.pooled(x, &mut pass)?;
        maps::by_image(x.size()[0] as usize, &pass.recorded.unwrap_or_default())
    }

    /// Copies one domain's batch normalisation, weights and statistics, over another's. Nothing happens in a
    /// network of one domain.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn copy_domain(&mut self, from: usize, to: usize) -> Result<()> {
        if from == to || self.spec.domains < 2 {
            return Ok(());
        }
        let _guard = tch::no_grad_guard();
        let all = self.vs.variables();
        for (name, tensor) in &all {
            let Some((stem, last)) = name.rsplit_once('.') else { continue };
            let Some(plain) = stem.strip_suffix(".target") else { continue };
            let Some(source) = all.get(&format!("{plain}.{last}")) else { continue };
            let (from, mut to) =
                if from == 0 { (source, tensor.shallow_clone()) } else { (tensor, source.shallow_clone()) };
            to.f_copy_(from)?;
        }
        Ok(())
    }

    /// Every tensor by name, running statistics included, sorted by name.
    pub fn named_variables(&self) -> Vec<(String, Tensor)> {
        let mut all: Vec<_> = self.vs.variables().into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// The tensors that training changes, sorted by name; for [`super::optim::Adam::new`].
    pub fn parameters(&self) -> Vec<(String, Tensor)> {
        self.named_variables().into_iter().filter(|(_, t)| t.requires_grad()).collect()
    }

    /// Writes every tensor as safetensors, under PyTorch's names.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        weights::write_safetensors(path, &self.named_variables())
    }

    /// Reads tensors by name from a file that [`Net::save`] or PyTorch wrote; the report says what did not fit.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a weights file.
    pub fn load(&mut self, path: &Path) -> Result<LoadReport> {
        weights::load(self, path)
    }
}

/// `(mean of max(x, 1e−6)ᵖ)^(1/p)` over the last two dimensions of `x` `[B, C, H, W]`, `p` `[1]`: `[B, C]`.
///
/// # Errors
/// When libtorch fails.
pub fn generalised_mean(x: &Tensor, p: &Tensor) -> Result<Tensor> {
    let powers = x.f_clamp_min(1e-6)?.f_pow(p)?;
    Ok(mean(&powers, &[2, 3], false)?.f_pow(&p.f_reciprocal()?)?)
}

/// Whether every value of these tensors is finite; whole numbers always are.
///
/// # Errors
/// When libtorch fails.
pub fn all_finite<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<bool> {
    let _guard = tch::no_grad_guard();
    for t in tensors {
        if matches!(t.f_kind()?, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16)
            && t.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Rows of `x` `[B, d]` at unit length, as `torch.nn.functional.normalize`.
///
/// # Errors
/// When libtorch fails.
pub fn unit_length(x: &Tensor) -> Result<Tensor> {
    let norm = x.f_norm_scalaropt_dim(2.0, [1i64].as_slice(), true)?.f_clamp_min(1e-12)?;
    Ok(x.f_div(&norm)?)
}

/// `(start, length)` of the batch-normalisation groups of a batch; see [`Net::forward_train`].
fn bn_groups(batch: i64, group: i64) -> Vec<(i64, i64)> {
    if group <= 0 || group >= batch {
        return vec![(0, batch)];
    }
    let group = group.max(2);
    let mut groups: Vec<(i64, i64)> =
        (0..batch).step_by(group as usize).map(|start| (start, group.min(batch - start))).collect();
    if groups.len() > 1 && groups[groups.len() - 1].1 == 1 {
        groups.pop();
        if let Some(last) = groups.last_mut() {
            last.1 += 1;
        }
    }
    groups
}
