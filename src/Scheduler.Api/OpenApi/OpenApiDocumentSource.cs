using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.OpenApi;
using Scheduler.Api.Pipeline;

namespace Scheduler.Api.OpenApi;

/// <summary>
/// The OpenAPI 3.1 document of the HTTP API, built once from the service descriptors, their HTTP rules and comments.
/// </summary>
internal sealed partial class OpenApiDocumentSource
{
    public const string Path = "/openapi/v1.json";

    private const string SecurityScheme = "key";
    private readonly Lazy<byte[]> _json = new(Write);

    /// <summary>UTF-8.</summary>
    public byte[] Json => _json.Value;

    /// <summary>An HTTP rule's path as OpenAPI writes it: <c>/v1/accounts/{account}:topUp</c>.</summary>
    public static string PathOf(Google.Api.HttpRule rule) =>
        Variable().Replace(TemplateOf(rule).Template, match => Expand(match.Groups["pattern"].Value));

    public static (HttpMethod Verb, string Template) TemplateOf(Google.Api.HttpRule rule) =>
        rule.PatternCase switch
        {
            Google.Api.HttpRule.PatternOneofCase.Get => (HttpMethod.Get, rule.Get),
            Google.Api.HttpRule.PatternOneofCase.Post => (HttpMethod.Post, rule.Post),
            Google.Api.HttpRule.PatternOneofCase.Patch => (HttpMethod.Patch, rule.Patch),
            Google.Api.HttpRule.PatternOneofCase.Delete => (HttpMethod.Delete, rule.Delete),
            Google.Api.HttpRule.PatternOneofCase.Put => (HttpMethod.Put, rule.Put),
            Google.Api.HttpRule.PatternOneofCase.Custom or Google.Api.HttpRule.PatternOneofCase.None or _ =>
                throw new NotSupportedException($"HTTP rule {rule.PatternCase}"),
        };

    /// <summary>The top-level request field that the path of an HTTP rule contains; null if there is none.</summary>
    public static string? PathFieldOf(Google.Api.HttpRule rule) =>
        Variable().Match(TemplateOf(rule).Template) is { Success: true } match ? match.Groups["field"].Value : null;

    private static byte[] Write()
    {
        var document = new OpenApiDocument
        {
            Info = new OpenApiInfo
            {
                Title = "GPU scheduler",
                Version = "v1",
                Description =
                    "Runs models on rented GPUs; each failure states its exact cause. Money is whole micro-EUR (1 EUR = 1,000,000); 64-bit "
                    + "numbers are JSON numbers and stay below 2^53. Unknown fields and query parameters are refused by name. Every "
                    + "response has `X-Request-Id`. If you send your own id in that header, it is returned as `X-Correlation-Id`.",
            },
            Servers = [new OpenApiServer { Url = "/" }],
            Paths = [],
            Components = new OpenApiComponents
            {
                SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
                {
                    [SecurityScheme] = new OpenApiSecurityScheme
                    {
                        Type = SecuritySchemeType.Http,
                        Scheme = "bearer",
                        Description = "An API key: `Authorization: Bearer sk-…`.",
                    },
                },
            },
            Tags = new HashSet<OpenApiTag>(
                ApiSurface.Services.Select(service => new OpenApiTag
                {
                    Name = service.Name,
                    Description = ProtoComments.Of(service.FullName),
                })
            ),
        };
        var schemas = new OpenApiSchemas(document);
        schemas.AddError();
        var operations = new OpenApiOperations(document, schemas, SecurityScheme);
        foreach (var method in ApiSurface.Methods)
        {
            operations.Add(method);
        }

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        document.SerializeAsV31(new OpenApiJsonWriter(text));
        return System.Text.Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Expand(string pattern)
    {
        var parts = pattern.Split('/');
        for (var i = 1; i < parts.Length; i++)
        {
            if (parts[i] is "*" or "**")
            {
                parts[i] = $"{{{OpenApiOperations.Singular(parts[i - 1])}}}";
            }
        }

        return string.Join('/', parts);
    }

    [GeneratedRegex(@"\{(?<field>\w+)=(?<pattern>[^}]+)\}", RegexOptions.None, 1000)]
    private static partial Regex Variable();
}
