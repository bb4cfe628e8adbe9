#include "train/load_model.h"

#include "layers/init.h"
#include "tensor/check.h"
#include "tensor/serialize/weights_file.h"
#include "train/closest_model.h"

namespace lathe {

std::unique_ptr<Module> load_model(const std::string& name, const std::filesystem::path& weights,
                                   const std::map<std::string, std::string>& options) {
  std::unique_ptr<Module> model;
  {
    const NoInitialValues all_are_loaded;
    model = create_model(name, options);
  }
  std::vector<NamedTensor> tensors;
  for (const StoredTensor& t : read_weights(weights).tensors) tensors.push_back({t.name, t.tensor});
  load_weights_into(*model, name, tensors, weights.string());
  model->eval();
  return model;
}

void load_weights_into(Module& model, const std::string& name,
                       const std::vector<NamedTensor>& tensors, const std::string& file) {
  const LoadReport report = model.load_state_dict(tensors, false);
  if (!report.fits())
    fail(ErrorKind::data, file, ": the weights do not fit ", name, closest_model(tensors),
         report.text());
}

}  // namespace lathe
