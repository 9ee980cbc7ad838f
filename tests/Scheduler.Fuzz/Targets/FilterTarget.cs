using Scheduler.Api.Instances;
using Scheduler.Edge;

namespace Scheduler.Fuzz.Targets;

/// <summary><see cref="InstanceFilter"/>.</summary>
internal sealed class FilterTarget : FuzzTarget
{
    public override string Name => "filter";

    /// <summary>Above <see cref="InstanceFilter.Longest"/>, so that the limit is tested too.</summary>
    public override int MaxLength => 1100;

    public override long AllocationBase => 16_384;

    /// <summary>A wrong condition of ten characters costs an error of up to 300, joined once more.</summary>
    public override long AllocationPerByte => 64;

    public override byte[][] Dictionary { get; } =
        Tokens(
            "state",
            "failure_code",
            "provider",
            "region",
            "gpu_type",
            "serving_name",
            "text",
            " AND ",
            "AND",
            " OR ",
            "=",
            "\"",
            "\\\"",
            "\\\\",
            "\\",
            " ",
            "\"RUNNING\"",
            "\"INSTANCE_STATE_FAILED\"",
            "\"OOM_KILLED\"",
            "\"NONE\"",
            "text=\"x\"",
            "state=\"RUNNING\" AND ",
            "\u0000",
            "\u00e4",
            "\U0001F600"
        );

    public override Outcome Execute(ReadOnlyMemory<byte> input)
    {
        var text = Text(input.Span);
        var faults = new Faults();
        var query = InstanceFilter.Parse(text, faults);
        if (!faults.None)
        {
            Require(faults.All is [{ Field: "filter" }], "A filter has one validation error.");
            return Outcome.Refused(Shape.Add(Shape.Start, faults.All[0].Description));
        }

        if (query.Text is { } value)
        {
            var again = InstanceFilter.Parse($"text={InstanceFilter.Quote(value)}", faults);
            Require(faults.None && again.Text == value, "A quoted value is read as it was.");
        }

        var shape = Shape.Add(Shape.Start, (ulong)query.States.Length);
        shape = Shape.Add(shape, query.Code != default);
        shape = Shape.Add(shape, query.Provider is null);
        shape = Shape.Add(shape, query.Region is null);
        shape = Shape.Add(shape, query.GpuType is null);
        shape = Shape.Add(shape, query.ServingName is null);
        return Outcome.Accepted(Shape.Add(shape, query.Text is null));
    }
}
