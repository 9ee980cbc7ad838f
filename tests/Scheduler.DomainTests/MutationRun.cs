using System.Diagnostics;
using System.Runtime.CompilerServices;
using FsCheck.Xunit;
using Scheduler.Domain.Ids;
using Scheduler.ModelFit;
using Xunit;

[assembly: AssemblyFixture(typeof(Scheduler.DomainTests.MutationRun))]

namespace Scheduler.DomainTests;

/// <summary>
/// Support for mutation runs, where these tests run once per mutant. The longest tests take a tenth of their cases.
/// </summary>
/// <remarks>
/// Stryker sends the runs of many mutants to one process. A static value that is computed under one mutant stays for
/// the mutants after it, and they count as killed. So static values are computed before any mutant is active. The cost:
/// a mutant that acts only in a static initializer survives. The model fit keeps nearly everything in static caches, so
/// there each mutant gets its own process: at its second run a process ends itself, and Stryker repeats that run in a
/// new one.
/// </remarks>
public sealed class MutationRun
{
    private const int NoMutant = -1;

    /// <summary>The mutated folder of the domain; null in an ordinary run.</summary>
    private static readonly string? Folder = Environment.GetEnvironmentVariable("SCHEDULER_MUTATION");

    /// <summary>Holds the number of the active mutant in four bytes; set by Stryker.</summary>
    private static readonly string? MutantFile = Environment.GetEnvironmentVariable("STRYKER_MUTANT_FILE");

    private static int _runs;

    public MutationRun()
    {
        if (MutantFile is not null && HasProcessPerMutant && Interlocked.Increment(ref _runs) > 1)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
        }
    }

    internal static bool IsOn => !string.IsNullOrEmpty(Folder);

    private static bool HasProcessPerMutant => Folder == nameof(Compatibility);

    internal static int Cases(int usually) => IsOn ? usually / 10 : usually;

    [ModuleInitializer]
    internal static void ComputeStaticValues()
    {
        if (MutantFile is null || HasProcessPerMutant)
        {
            return;
        }

        var active = ExchangeMutant(NoMutant);
        foreach (var type in typeof(AccountId).Assembly.GetTypes().Where(type => !type.ContainsGenericParameters))
        {
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        }

        foreach (var model in ModelCatalogue.Names)
        {
            ModelCatalogue.Find(model);
        }

        _ = GpuCatalogue.Shipped;
        ExchangeMutant(active);
    }

    private static int ExchangeMutant(int next)
    {
        using var file = new FileStream(MutantFile!, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var bytes = new byte[sizeof(int)];
        file.ReadExactly(bytes);
        file.Position = 0;
        file.Write(BitConverter.GetBytes(next));
        return BitConverter.ToInt32(bytes);
    }
}

#pragma warning disable xUnit3003 // The base class has no constructor for source information.
/// <summary>A property whose cases take long together.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LongPropertyAttribute : PropertyAttribute
{
    public LongPropertyAttribute(int cases) => MaxTest = MutationRun.Cases(cases);
}
#pragma warning restore xUnit3003
