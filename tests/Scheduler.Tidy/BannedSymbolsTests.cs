using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>The analyzer silently ignores an entry that does not resolve, so the ban would have no effect.</summary>
public sealed partial class BannedSymbolsTests
{
    public static TheoryData<string> Lists =>
        [
            .. Repo.Files("src", "BannedSymbols*.txt")
                .Concat(Repo.Files("tests", "BannedSymbols*.txt"))
                .Select(Repo.Relative),
        ];

    [Theory]
    [MemberData(nameof(Lists))]
    public void Every_banned_symbol_exists_and_names_its_replacement(string list)
    {
        foreach (var line in File.ReadLines(Repo.Path(list)).Where(line => line.Length > 0))
        {
            var parts = line.Split(';', 2);
            Assert.True(parts is [_, { Length: > 0 }], $"{line}: no replacement is named.");
            Assert.True(Exists(parts[0]), $"{line}: there is no such symbol.");
        }
    }

    private static bool Exists(string id)
    {
        var (kind, name) = (id[0], id[2..]);
        if (kind == 'N')
        {
            return AllTypes().Any(type => type.Namespace == name);
        }

        var parenthesis = name.IndexOf('(', StringComparison.Ordinal);
        var path = parenthesis < 0 ? name : name[..parenthesis];
        if (kind == 'T')
        {
            return Find(path) is not null;
        }

        var dot = path.LastIndexOf('.');
        var member = Arity().Replace(path[(dot + 1)..], "");
        var parameters = parenthesis < 0 ? 0 : CountParameters(name[(parenthesis + 1)..name.LastIndexOf(')')]);
        return Find(path[..dot])?.GetMembers(All) is { } members
            && members.Any(m =>
                kind == 'P'
                    ? m is PropertyInfo && m.Name == member
                    : m is MethodBase method
                        && (m.Name == member || (member == "#ctor" && m is ConstructorInfo))
                        && method.GetParameters().Length == parameters
            );
    }

    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;

    private static int CountParameters(string list)
    {
        var (depth, count) = (0, list.Length == 0 ? 0 : 1);
        foreach (var letter in list)
        {
            depth +=
                letter is '{' or '(' ? 1
                : letter is '}' or ')' ? -1
                : 0;
            count += letter == ',' && depth == 0 ? 1 : 0;
        }

        return count;
    }

    private static Type? Find(string name) => AllTypes().FirstOrDefault(type => type.FullName == name);

    private static IEnumerable<Type> AllTypes()
    {
        foreach (
            var assembly in new[]
            {
                "Stateless",
                "Scheduler.Domain",
                "System.Net.Http",
                "System.ComponentModel.TypeConverter",
            }
        )
        {
            AssemblyLoadContext.Default.LoadFromAssemblyName(new AssemblyName(assembly));
        }

        return AppDomain.CurrentDomain.GetAssemblies().Where(a => !a.IsDynamic).SelectMany(a => a.GetExportedTypes());
    }

    [GeneratedRegex("``?[0-9]+$")]
    private static partial Regex Arity();
}
