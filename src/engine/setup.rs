//! What a run computes with: its network and its images, on their device.

use std::rc::Rc;
use std::sync::Arc;

use tch::{Device, Tensor};

use super::domain::DomainData;
use super::error::EngineError;
use super::event::{AttentionMap, Domain, ImageMaps, ImageRef, Split};
use crate::data::augment;
use crate::data::cache::ImageCache;
use crate::data::loader::Batch;
use crate::method::params::ImageStore;
use crate::model::device;
use crate::model::error::ModelError;
use crate::model::net::Net;
use crate::model::pixels::DeviceImages;

/// Network and data of a run.
pub(super) struct Setup {
    pub source: DomainData,
    pub target: DomainData,
    pub device: Device,
    pub net: Rc<Net>,
    /// Where decoded images wait.
    pub images: ImageStore,
    /// Images that lie on the device, by the cache they came from; `None` where they do not fit.
    uploaded: Vec<(Arc<ImageCache>, Option<Rc<DeviceImages>>)>,
}

impl Setup {
    pub fn new(source: DomainData, target: DomainData, device: Device, net: Net, images: ImageStore) -> Self {
        Self { source, target, device, net: Rc::new(net), images, uploaded: Vec::new() }
    }

    /// Length of a feature.
    pub fn dim(&self) -> usize {
        self.net.dim() as usize
    }

    pub fn domain(&self, domain: Domain) -> &DomainData {
        match domain {
            Domain::Source => &self.source,
            Domain::Target => &self.target,
        }
    }

    /// The images of a cache on the device, where they are to be there; they are sent with the first question.
    pub fn on_device(&mut self, cache: &Arc<ImageCache>) -> Result<Option<Rc<DeviceImages>>, EngineError> {
        if let Some(known) = self.already_on_device(cache) {
            return Ok(known);
        }
        let wanted = match self.images {
            ImageStore::Host => false,
            ImageStore::Device => true,
            // Four times as much leaves room for the network and for other splits.
            ImageStore::Auto => {
                self.device.is_cuda() && device::has_room(self.device, 4 * DeviceImages::bytes_of(cache))
            }
        };
        let uploaded = if wanted { DeviceImages::upload(cache, self.device, |_, _| true) } else { Ok(None) };
        let images = match uploaded {
            // Somebody else took the room meanwhile.
            Err(ModelError::OutOfMemory(_)) if self.images == ImageStore::Auto => None,
            other => other?.map(Rc::new),
        };
        self.uploaded.push((Arc::clone(cache), images.clone()));
        Ok(images)
    }

    /// As [`Setup::on_device`], without sending anything; `None` where that was not decided yet.
    pub fn already_on_device(&self, cache: &Arc<ImageCache>) -> Option<Option<Rc<DeviceImages>>> {
        self.uploaded.iter().find(|(of, _)| Arc::ptr_eq(of, cache)).map(|(_, known)| known.clone())
    }

    /// Pixels `[B, 3, H, W]` on the device.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn to_device(&self, pixels: &[f32], [batch, height, width]: [usize; 3]) -> Result<Tensor, EngineError> {
        let host = Tensor::f_from_slice(pixels)?.f_view([batch as i64, 3, height as i64, width as i64])?;
        Ok(device::send(&host, self.device)?)
    }

    /// A training batch's pixels on the device.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn pixels(&mut self, batch: &Batch, domain: Domain) -> Result<Tensor, EngineError> {
        let cache = Arc::clone(self.domain(domain).cache(Split::Train));
        if batch.pixels.is_empty()
            && let Some(images) = self.on_device(&cache)?
        {
            return Ok(images.batch(&batch.indices, &batch.moves)?);
        }
        let (height, width) = cache.size();
        self.to_device(&batch.pixels, [batch.indices.len(), height, width])
    }

    /// How many images could not be read so far.
    pub fn unreadable(&self) -> usize {
        self.source.unreadable() + self.target.unreadable()
    }

    /// Attention maps of these target images by the batch normalisation of `domain`; images that the target does not
    /// have are left out.
    ///
    /// # Errors
    /// When the network fails.
    pub fn heat_maps(&self, images: &[ImageRef], domain: usize) -> Result<Vec<ImageMaps>, EngineError> {
        let mut answers = Vec::new();
        for &image in images {
            let cache = self.target.cache(image.split);
            if image.index as usize >= cache.len() {
                continue;
            }
            let (height, width) = cache.size();
            let mut pixels = vec![0.0; 3 * height * width];
            augment::normalise_into(&cache.get(image.index as usize), height, width, &mut pixels);
            let x = self.to_device(&pixels, [1, height, width])?;
            let maps = self.net.attention_maps(&x, domain)?.pop().unwrap_or_default();
            let maps = maps.into_iter().map(|m| AttentionMap {
                name: m.name,
                height: m.height,
                width: m.width,
                values: m.values,
            });
            answers.push(ImageMaps { image, maps: maps.collect() });
        }
        Ok(answers)
    }

    /// The cosine of two images of the target, and what each position of either gives to it; `domain` is the batch
    /// normalisation to use.
    ///
    /// # Errors
    /// When there is no such image, or the network fails.
    pub fn likeness(&self, pair: [ImageRef; 2], domain: usize) -> Result<(f64, [AttentionMap; 2]), EngineError> {
        let (height, width) = self.target.cache(pair[0].split).size();
        let mut pixels = vec![0.0; 2 * 3 * height * width];
        for (image, room) in pair.iter().zip(pixels.chunks_exact_mut(3 * height * width)) {
            let cache = self.target.cache(image.split);
            if image.index as usize >= cache.len() {
                return Err(EngineError::Refused(format!("There is no such image: {}.", image.index)));
            }
            augment::normalise_into(&cache.get(image.index as usize), height, width, room);
        }
        let x = self.to_device(&pixels, [2, height, width])?;
        let maps = self.net.similarity_maps(&x, domain)?;
        let (_, h, w) = maps.size3()?;
        let values = Vec::<f32>::try_from(maps.f_to_device(tch::Device::Cpu)?.f_contiguous()?.f_view([-1])?)?;
        let (of_query, of_hit) = values.split_at((h * w) as usize);
        let map = |name: &str, values: &[f32]| AttentionMap {
            name: name.to_owned(),
            height: h as usize,
            width: w as usize,
            values: values.to_vec(),
        };
        let similarity = of_query.iter().map(|&v| f64::from(v)).sum();
        Ok((similarity, [map("similarity.query", of_query), map("similarity.hit", of_hit)]))
    }
}
