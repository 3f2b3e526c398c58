// Whether a model as it is about to be written will load: its architecture records its graph over the planned tensors,
// which asks for every tensor, key and shape it needs.
#pragma once

#include <span>

#include "convert/model.h"

namespace quern::convert {

// `types`: what each of model.tensors will be stored as. Throws Error naming the key or tensor that is missing, has
// another shape or is not used, with its name in the checkpoint where it comes from one.
void check_loads(const Model& model, std::span<const DType> types);

}  // namespace quern::convert
