#include "train/run_events.h"

#include "train/confusion_image.h"

namespace lathe {

RunEvents::RunEvents(const RunFolder& folder, const Recipe::Log& options) : options_(options) {
  if (options.tensorboard) file_.emplace(folder.events());
}

void RunEvents::step(int64_t number, double loss) {
  if (file_) file_->scalar(step_loss_tag, number, loss);
}

void RunEvents::epoch(const EpochResult& result, const std::optional<Evaluation>& validation,
                      Module& model) {
  if (!file_) return;
  for (const auto& [column, value] : result.columns())
    file_->scalar(scalar_tag(column), result.epoch, value);
  if (validation && options_.images)
    file_->image("confusion/valid", result.epoch, draw_confusion(validation->confusion));
  if (!options_.histograms) return;
  for (const NamedTensor& p : model.named_parameters())
    file_->histogram("weights/" + p.name, result.epoch, p.tensor.to_vector<double>());
}

}  // namespace lathe
