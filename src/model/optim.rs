//! Adam with coupled weight decay, as `torch.optim.Adam`.
//!
//! Parameters that have always moved together share one flat buffer (their tensors become views into it), so a
//! step is a dozen passes over a few large tensors instead of a thousand small operations.

use std::collections::HashMap;

use tch::{COptimizer, Tensor};

use super::error::{ModelError, Result};
use super::layers::dense_copy;

/// First moment, second moment (in the parameter's shape) and steps taken.
type Moments = (Tensor, Tensor, i64);

/// A parameter on its way into an arena: name, tensor, and moments where it has some already.
type Entrant = (String, Tensor, Option<Moments>);

/// Adam: `g ← ∇ + λ p`, `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`,
/// `p ← p − lr · m̂ / (√v̂ + ε)` with β = (0.9, 0.999), ε = 1e−8.
///
/// A parameter without a gradient is left alone, and its count of steps stands still, as in PyTorch.
#[derive(Debug)]
pub struct Adam {
    params: Vec<(String, Tensor)>,
    /// Index into `arenas`, once a parameter has had a gradient.
    placed: Vec<bool>,
    /// What a checkpoint said about parameters that are not placed yet.
    restored: HashMap<String, Moments>,
    arenas: Vec<Arena>,
    /// Only ever used to drop gradients: libtorch's optimisers set them to undefined, which tch cannot.
    dropper: COptimizer,
    lr: f64,
    weight_decay: f64,
}

const BETAS: (f64, f64) = (0.9, 0.999);
const EPS: f64 = 1e-8;

impl Adam {
    /// An optimiser of these tensors; those that do not require gradients are left out.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn new(params: Vec<(String, Tensor)>, lr: f64, weight_decay: f64) -> Result<Self> {
        let params: Vec<_> = params.into_iter().filter(|(_, t)| t.requires_grad()).collect();
        let mut dropper = COptimizer::sgd(0.0, 0.0, 0.0, 0.0, false)?;
        for (_, t) in &params {
            dropper.add_parameters(t, 0)?;
        }
        let placed = vec![false; params.len()];
        Ok(Self { params, placed, restored: HashMap::new(), arenas: Vec::new(), dropper, lr, weight_decay })
    }

    /// The learning rate of the next step.
    pub fn set_lr(&mut self, lr: f64) {
        self.lr = lr;
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.lr
    }

    /// The weight decay λ of the next step.
    pub fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }

    /// Drops all gradients.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn zero_grad(&mut self) -> Result<()> {
        Ok(self.dropper.zero_grad()?)
    }

    /// One step on the gradients as they are.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn step(&mut self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        self.place()?;
        let arenas = std::mem::take(&mut self.arenas);
        for arena in arenas {
            let (with, without) = arena.split()?;
            if let Some(mut arena) = with {
                arena.step(self.lr, self.weight_decay)?;
                self.arenas.push(arena);
            }
            self.arenas.extend(without);
        }
        Ok(())
    }

    /// Puts parameters that have a gradient for the first time into an arena of their own.
    fn place(&mut self) -> Result<()> {
        let mut groups: Vec<(i64, Vec<Entrant>)> = Vec::new();
        for ((name, param), placed) in self.params.iter().zip(&mut self.placed) {
            if *placed || !param.grad().defined() {
                continue;
            }
            *placed = true;
            let moments = self.restored.remove(name);
            let steps = moments.as_ref().map_or(0, |m| m.2);
            let member = (name.clone(), param.shallow_clone(), moments);
            match groups.iter_mut().find(|g| g.0 == steps && same_place(&g.1[0].1, param)) {
                Some(group) => group.1.push(member),
                None => groups.push((steps, vec![member])),
            }
        }
        for (steps, members) in groups {
            self.arenas.push(Arena::new(members, steps)?);
        }
        Ok(())
    }

    /// `NAME.exp_avg`, `NAME.exp_avg_sq` (the parameter's shape) and `NAME.step` (`[1]`, i64) of every parameter that
    /// has been stepped, sorted by name.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn state(&self) -> Result<Vec<(String, Tensor)>> {
        let _guard = tch::no_grad_guard();
        let mut out = Vec::new();
        let mut push = |name: &str, m: Tensor, v: Tensor, steps: i64| -> Result<()> {
            out.push((format!("{name}.exp_avg"), m));
            out.push((format!("{name}.exp_avg_sq"), v));
            out.push((format!("{name}.step"), Tensor::f_from_slice(&[steps])?));
            Ok(())
        };
        for arena in &self.arenas {
            for member in &arena.members {
                let (m, v) = (member.view(&arena.m)?, member.view(&arena.v)?);
                push(&member.name, dense_copy(&m)?, dense_copy(&v)?, arena.steps)?;
            }
        }
        for (name, (m, v, steps)) in &self.restored {
            push(name, dense_copy(m)?, dense_copy(v)?, *steps)?;
        }
        out.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(out)
    }

    /// Goes on from what [`Adam::state`] gave; parameters it does not mention start anew.
    ///
    /// # Errors
    /// When the state is of another network.
    pub fn load_state(&mut self, state: &[(String, Tensor)]) -> Result<()> {
        let find: HashMap<&str, &Tensor> = state.iter().map(|(n, t)| (n.as_str(), t)).collect();
        let mut restored = HashMap::new();
        for (name, param) in &self.params {
            let Some(m) = find.get(format!("{name}.exp_avg").as_str()) else { continue };
            let (Some(v), Some(step)) =
                (find.get(format!("{name}.exp_avg_sq").as_str()), find.get(format!("{name}.step").as_str()))
            else {
                return Err(ModelError::Shape(format!("the optimiser's state of `{name}` is not complete")));
            };
            if m.size() != param.size() || v.size() != param.size() {
                return Err(ModelError::Shape(format!(
                    "the optimiser's state of `{name}` is {:?}, the parameter {:?}",
                    m.size(),
                    param.size()
                )));
            }
            let to = |t: &Tensor| t.f_to_device(param.device());
            restored.insert(name.clone(), (to(m)?, to(v)?, step.f_int64_value(&[0])?));
        }
        self.restored = restored;
        self.arenas.clear();
        self.placed.fill(false);
        Ok(())
    }
}

fn same_place(a: &Tensor, b: &Tensor) -> bool {
    a.device() == b.device() && a.kind() == b.kind()
}

/// A parameter's place in its arena.
#[derive(Debug)]
struct Member {
    name: String,
    param: Tensor,
    offset: i64,
    length: i64,
}

impl Member {
    /// The member's part of a flat buffer, in the parameter's shape and memory order.
    fn view(&self, flat: &Tensor) -> Result<Tensor> {
        Ok(flat.f_narrow(0, self.offset, self.length)?.f_as_strided(
            self.param.size(),
            self.param.stride(),
            None::<i64>,
        )?)
    }
}

/// `t`'s elements in the order in which `like`, a dense tensor of the same shape, lies in memory.
fn flat_like(t: &Tensor, like: &Tensor) -> Result<Tensor> {
    let length = [like.numel() as i64];
    if t.stride() == like.stride() {
        return Ok(t.f_as_strided(length, [1], None::<i64>)?);
    }
    let mut copy = Tensor::f_empty_strided(like.size(), like.stride(), (like.f_kind()?, like.device()))?;
    copy.f_copy_(t)?;
    Ok(copy.f_as_strided(length, [1], None::<i64>)?)
}

/// Parameters that have taken the same steps, laid out one after the other.
#[derive(Debug)]
struct Arena {
    members: Vec<Member>,
    /// Parameters, first and second moments, and room for one intermediate, each `[total]`.
    p: Tensor,
    m: Tensor,
    v: Tensor,
    scratch: Tensor,
    steps: i64,
}

impl Arena {
    fn new(members: Vec<Entrant>, steps: i64) -> Result<Self> {
        let flat = members.iter().map(|(_, p, _)| flat_like(p, p)).collect::<Result<Vec<_>>>()?;
        let p = Tensor::f_cat(&flat, 0)?;
        let (m, v, scratch) = (p.f_zeros_like()?, p.f_zeros_like()?, p.f_empty_like()?);
        let mut offset = 0;
        let mut placed = Vec::with_capacity(members.len());
        for (name, mut param, moments) in members {
            let member = Member { name, offset, length: param.numel() as i64, param: param.shallow_clone() };
            offset += member.length;
            if let Some((m0, v0, _)) = moments {
                member.view(&m)?.f_copy_(&m0)?;
                member.view(&v)?.f_copy_(&v0)?;
            }
            param.f_set_data(&member.view(&p)?)?;
            placed.push(member);
        }
        Ok(Self { members: placed, p, m, v, scratch, steps })
    }

    /// The members that have a gradient, and those that have none.
    fn split(self) -> Result<(Option<Self>, Option<Self>)> {
        let missing = self.members.iter().filter(|m| !m.param.grad().defined()).count();
        if missing == 0 {
            return Ok((Some(self), None));
        }
        if missing == self.members.len() {
            return Ok((None, Some(self)));
        }
        let mut parts: [Vec<_>; 2] = [Vec::new(), Vec::new()];
        for member in &self.members {
            let moments = (member.view(&self.m)?, member.view(&self.v)?, self.steps);
            let part = usize::from(!member.param.grad().defined());
            parts[part].push((member.name.clone(), member.param.shallow_clone(), Some(moments)));
        }
        let [with, without] = parts;
        Ok((Some(Self::new(with, self.steps)?), Some(Self::new(without, self.steps)?)))
    }

    fn step(&mut self, lr: f64, weight_decay: f64) -> Result<()> {
        self.steps += 1;
        let grads = self.members.iter().map(|m| flat_like(&m.param.grad(), &m.param)).collect::<Result<Vec<_>>>()?;
        let mut g = Tensor::f_cat_out(&self.scratch, &grads, 0)?;
        if weight_decay != 0.0 {
            g = g.f_add_(&self.p.f_mul_scalar(weight_decay)?)?;
        }
        let _ = self.m.f_lerp_(&g, 1.0 - BETAS.0)?;
        let g2 = g.f_square_()?.f_mul_scalar_(1.0 - BETAS.1)?;
        let _ = self.v.f_mul_scalar_(BETAS.1)?.f_add_(&g2)?;
        let first = 1.0 - BETAS.0.powi(self.steps as i32);
        let second = (1.0 - BETAS.1.powi(self.steps as i32)).sqrt();
        // p −= lr/first · m / (√v / second + ε), with the factors gathered in the denominator
        let scale = -first / (lr * second);
        let mut denominator = self.v.f_sqrt_out(&self.scratch)?;
        let denominator = denominator.f_add_scalar_(EPS * second)?.f_mul_scalar_(scale)?;
        if lr != 0.0 {
            let _ = self.p.f_addcdiv_(&self.m, &denominator)?;
        }
        Ok(())
    }
}
