using System.Diagnostics;
using System.Text.Json;
using Google.Protobuf.Reflection;
using Scheduler.Api.OpenApi;
using Scheduler.Api.Pipeline;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class OpenApiTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Every_method_is_an_operation_with_its_parameters()
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;
        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString());
        var paths = document.GetProperty("paths");
        foreach (var method in ApiSurface.Methods)
        {
            var path = OpenApiDocumentSource.PathOf(method.Http);
            var (verb, _) = OpenApiDocumentSource.TemplateOf(method.Http);
            var operation = paths.GetProperty(path).GetProperty(verb.Method.ToLowerInvariant());
            Assert.Equal(
                $"{method.Descriptor.Service.Name}_{method.Descriptor.Name}",
                operation.GetProperty("operationId").GetString()
            );
            var text = operation.GetRawText();
            foreach (var field in method.Descriptor.InputType.Fields.InDeclarationOrder())
            {
                if (
                    !string.Equals(field.Name, OpenApiDocumentSource.PathFieldOf(method.Http), StringComparison.Ordinal)
                )
                {
                    Assert.Contains($"\"{field.JsonName}\"", text);
                }
            }
        }

        Assert.Equal(ApiSurface.Methods.Length, paths.EnumerateObject().Sum(p => p.Value.EnumerateObject().Count()));
    }

    [Fact]
    public void Every_element_of_the_protos_is_described()
    {
        var missing = ApiSurface
            .Services.Select(s => s.File)
            .Distinct()
            .SelectMany(f => f.Dependencies.Append(f))
            .Where(f => f.Package is "scheduler.v1")
            .Distinct()
            .SelectMany(Elements)
            .Where(name => ProtoComments.Of(name).Length == 0);
        Assert.Empty(missing);
    }

    [Fact]
    public async Task Every_reference_resolves()
    {
        var document = (await api.SendAsync("GET", "/openapi/v1.json")).Json;
        var schemas = document.GetProperty("components").GetProperty("schemas");
        const string prefix = "#/components/schemas/";
        foreach (var reference in References(document).Where(r => r.StartsWith(prefix)))
        {
            Assert.True(schemas.TryGetProperty(reference[prefix.Length..], out _), reference);
        }
    }

    [Fact]
    public async Task A_third_party_validator_accepts_the_document()
    {
        var ct = TestContext.Current.CancellationToken;
        var missing = await NodeProgram.MissingAsync(ct);
        Assert.SkipUnless(missing is null, $"{missing}");
        var directory = Directory.CreateTempSubdirectory("openapi-");
        var file = Path.Combine(directory.FullName, "v1.json");
        await File.WriteAllTextAsync(file, (await api.SendAsync("GET", "/openapi/v1.json")).Text, ct);
        await File.WriteAllTextAsync(
            Path.Combine(directory.FullName, "lint.mjs"),
            """
            import { Validator } from "@seriousme/openapi-schema-validator";
            const result = await new Validator().validate(process.argv[2]);
            console.log(JSON.stringify(result));
            process.exit(result.valid ? 0 : 1);
            """,
            ct
        );
        try
        {
            await RunAsync(
                "npm",
                "install --no-audit --no-fund --silent @seriousme/openapi-schema-validator@2.11.0",
                directory,
                ct
            );
            await RunAsync("node", $"lint.mjs {file}", directory, ct);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_reference_page_loads_nothing_from_other_hosts()
    {
        var page = await api.SendAsync("GET", "/reference/");
        Assert.Equal(200, page.Status);
        Assert.True(page.Text.Contains("openapi/v1.json"), page.Text);
        Assert.DoesNotContain("cdn.", page.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("src=\"http", page.Text, StringComparison.OrdinalIgnoreCase);
        var script = await api.SendAsync("GET", "/reference/scalar.js");
        Assert.Equal(200, script.Status);
    }

    private static async Task RunAsync(string program, string arguments, DirectoryInfo directory, CancellationToken ct)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = directory.FullName,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            }
        )!;
        var output = process.StandardOutput.ReadToEndAsync(ct);
        var errors = process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        Assert.True(process.ExitCode == 0, $"{program} {arguments}: {await output} {await errors}");
    }

    private static IEnumerable<string> Elements(FileDescriptor file)
    {
        foreach (var message in file.MessageTypes)
        {
            yield return message.FullName;
            foreach (var field in message.Fields.InDeclarationOrder())
            {
                yield return field.FullName;
            }
        }

        foreach (var type in file.EnumTypes)
        {
            yield return type.FullName;
            foreach (var value in type.Values)
            {
                yield return $"{type.FullName}.{value.Name}";
            }
        }

        foreach (var service in file.Services)
        {
            yield return service.FullName;
            foreach (var method in service.Methods)
            {
                yield return method.FullName;
            }
        }
    }

    private static IEnumerable<string> References(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Array)
        {
            return json.EnumerateArray().SelectMany(References);
        }

        return json.ValueKind == JsonValueKind.Object
            ? json.EnumerateObject()
                .SelectMany(p => p.NameEquals("$ref") ? [p.Value.GetString()!] : References(p.Value))
            : [];
    }
}
