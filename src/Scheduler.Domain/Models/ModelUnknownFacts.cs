using Scheduler.Domain.Failures;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Models;

public sealed record ModelUnknownFacts(string Model) : FailureFacts(FailureCode.ModelNotFound)
{
    protected internal override FailureText Describe()
    {
        var near =
            ModelCatalogue.Names.FirstOrDefault(name => name.EndsWith(Model, StringComparison.OrdinalIgnoreCase))
            ?? ModelCatalogue.Names.FirstOrDefault(name => name.Contains(Model, StringComparison.OrdinalIgnoreCase));
        return new FailureText(
            $"No model '{Model}' is registered in the account or in the shipped catalogue.",
            near is null
                ? $"Register '{Model}' with its config.json or GGUF header, then start again."
                : $"Use '{near}', or register '{Model}' with its config.json or GGUF header, then start again.",
            Details(("model", Model), ("near", near))
        );
    }
}
