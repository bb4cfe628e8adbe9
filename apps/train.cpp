// lathe train: from a recipe, or on from where a run stopped.
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/shared_options.h"
#include "tensor/check.h"
#include "train/trainer.h"

namespace lathe::apps {
namespace {

struct Options {
  std::string recipe, resume, name, project;
  std::vector<std::string> settings;
  bool exist_ok = false, help_recipe = false;
};

int train(const Options& options, const CommonOptions& common, const std::string& command_line) {
  const bool resuming = !options.resume.empty();
  LATHE_CHECK(resuming != !options.recipe.empty(), "train: expects a RECIPE, or --resume RUN");
  LATHE_CHECK(!resuming || (options.name.empty() && options.project.empty() && !options.exist_ok),
              "train: --resume goes on in the run's own folder; expects no --name, --project or "
              "--exist-ok beside it");
  const std::string project = options.project.empty() ? "runs/train" : options.project;
  std::optional<RunFolder> folder;
  if (resuming) folder = RunFolder::open(options.resume);
  const Recipe recipe =
      read_recipe(resuming ? folder->recipe() : std::filesystem::path(options.recipe),
                  recipe_settings(options.settings, common));
  Trainer trainer(recipe, resolve_device(common));
  if (!resuming) {
    trainer.check_start(project);
    folder = RunFolder::create(project, options.name.empty() ? recipe.name : options.name,
                               options.exist_ok);
  }
  Progress progress(progress_style(common.progress, common.quiet), common.quiet);
  if (resuming)
    trainer.resume(*folder, command_line);
  else
    trainer.start(*folder, command_line);
  progress.open_log(folder->log());
  progress.message(trainer.description());
  progress.message("run folder: " + folder->path().string());
  int code = 0;
  try {
    code = trainer.run(progress, [&](const EpochResult& result) {
      if (common.json) print_json(result.json());
    });
  } catch (const Error& e) {
    progress.log(concat("stopped by an error: ", e.what()));
    throw;
  }
  if (code == 0) progress.message(trainer.summary());
  if (common.json)
    print_json({{"run", folder->path().string()}, {"best_epoch", trainer.best_epoch()}});
  else
    std::cout << folder->path().string() << std::endl;
  return code;
}

}  // namespace

void add_train(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("train", "trains a recipe's model; makes a run folder")
      .argument("RECIPE", options->recipe, "the recipe, a TOML file", false)
      .settings(options->settings)
      .option("--resume", options->resume, "a run's folder: goes on from where it stopped",
              "none: a new run")
      .option("--name", options->name, "the run folder's name", "the recipe's name")
      .option("--project", options->project, "the folder in which run folders are made",
              "runs/train")
      .flag("--exist-ok", options->exist_ok, "use NAME itself, replacing what an earlier run left")
      .flag("--help-recipe", options->help_recipe, "shows all keys of a recipe")
      .run([&program, options] {
        if (options->help_recipe) {
          std::cout << recipe_help();
          return 0;
        }
        return train(*options, program.common, program.command_line);
      });
}

}  // namespace lathe::apps
