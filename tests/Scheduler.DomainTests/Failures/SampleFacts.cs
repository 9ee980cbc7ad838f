using System.Collections.Immutable;
using System.Reflection;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.DomainTests.Failures;

/// <summary>All types of failure facts, filled by reflection, so that a new type is included automatically.</summary>
internal static class SampleFacts
{
    public const string Name = "sample";

    public static IEnumerable<Type> Kinds =>
        LoadAll()
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => !type.IsAbstract && type.IsSubclassOf(typeof(FailureFacts)))
            .OrderBy(type => type.FullName, StringComparer.Ordinal);

    /// <param name="sparse">Whether nullable values are null.</param>
    public static FailureFacts Of(Type kind, bool sparse) => (FailureFacts)Fill(kind, sparse)!;

    public static Failure Failure<TFacts>()
        where TFacts : FailureFacts => FailureCatalogue.Describe(Of(typeof(TFacts), sparse: false));

    private static Assembly[] LoadAll() =>
        [
            .. Directory
                .EnumerateFiles(AppContext.BaseDirectory, "Scheduler.*.dll")
                .Select(file => Assembly.Load(Path.GetFileNameWithoutExtension(file)))
                .Where(assembly => assembly != typeof(SampleFacts).Assembly),
        ];

    private static object? Fill(Type type, bool sparse)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            return sparse ? null : Fill(inner, sparse);
        }

        return type == typeof(string) ? Name
            : type == typeof(FailureCode) ? FailureCode.RuntimeExited
            : type == typeof(Uri) ? new Uri("http://sample.invalid/")
            : type == typeof(DateTimeOffset) ? new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)
            : type == typeof(TimeSpan) ? TimeSpan.FromSeconds(60)
            : type == typeof(MicroEuro) ? new MicroEuro(1_290_000)
            : type == typeof(Offer) ? AnOffer
            : type == typeof(bool) ? false
            : type.IsEnum
                ? Enum.GetValues(type)
                    .Cast<object>()
                    .First(value => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture) > 0)
            : type.IsPrimitive ? Convert.ChangeType(7, type, System.Globalization.CultureInfo.InvariantCulture)
            : IsImmutableArray(type) ? type.GetField("Empty")!.GetValue(null)
            : Make(type, sparse);
    }

    private static object? Make(Type type, bool sparse)
    {
        var constructor = type.GetConstructors()
            .Where(c => c.GetParameters() is not [{ } only] || only.ParameterType != type)
            .MaxBy(c => c.GetParameters().Length);
        if (constructor is null)
        {
            return Activator.CreateInstance(type);
        }

        var nullability = new NullabilityInfoContext();
        return constructor.Invoke([
            .. constructor
                .GetParameters()
                .Select(p =>
                    sparse && nullability.Create(p).WriteState == NullabilityState.Nullable
                        ? null
                        : Fill(p.ParameterType, sparse)
                ),
        ]);
    }

    private static bool IsImmutableArray(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>);

    private static Offer AnOffer { get; } =
        new(
            new ProviderId(Name),
            "offer-1",
            "eu-west",
            "L40S",
            1,
            CapacityTier.Standard,
            Spot: false,
            new MicroEuro(1_290_000),
            Available: 3
        );
}
