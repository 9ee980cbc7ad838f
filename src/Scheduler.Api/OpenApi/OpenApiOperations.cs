using System.Text.RegularExpressions;
using Microsoft.OpenApi;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;

namespace Scheduler.Api.OpenApi;

internal sealed partial class OpenApiOperations(OpenApiDocument document, OpenApiSchemas schemas, string securityScheme)
{
    private const string Json = "application/json";

    public static string Singular(string collection) =>
        collection switch
        {
            "operatorKeys" => "key",
            "failures" => "code",
            _ => collection.TrimEnd('s'),
        };

    public void Add(ApiMethod method)
    {
        var (verb, _) = OpenApiDocumentSource.TemplateOf(method.Http);
        var path = OpenApiDocumentSource.PathOf(method.Http);
        if (!document.Paths.TryGetValue(path, out var item))
        {
            item = new OpenApiPathItem { Operations = [] };
            document.Paths.Add(path, item);
        }

        item.Operations!.Add(verb, Operation(method, path));
    }

    private static string FirstSentence(string comment)
    {
        var end = comment.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? comment : comment[..end]).TrimEnd('.');
    }

    private OpenApiOperation Operation(ApiMethod method, string path)
    {
        var descriptor = method.Descriptor;
        var comment = ProtoComments.Of(descriptor.FullName);
        var operation = new OpenApiOperation
        {
            OperationId = $"{descriptor.Service.Name}_{descriptor.Name}",
            Summary = FirstSentence(comment),
            Description = method.Access switch
            {
                Access.Operator => $"{comment} Needs an operator key.",
                Access.Anyone => $"{comment} Needs no key.",
                Access.Unspecified => comment,
                _ => throw new System.Diagnostics.UnreachableException(),
            },
            Tags = new HashSet<OpenApiTagReference> { new(descriptor.Service.Name, document) },
            Parameters = [.. PathParameters(method, path), .. QueryParameters(method)],
            RequestBody = Body(method),
            Responses = Responses(method),
        };
        operation.Security =
            method.Access == Access.Anyone
                ? []
                :
                [
                    new OpenApiSecurityRequirement
                    {
                        [new OpenApiSecuritySchemeReference(securityScheme, document)] = [],
                    },
                ];
        return operation;
    }

    private static IEnumerable<IOpenApiParameter> PathParameters(ApiMethod method, string path)
    {
        var field = OpenApiDocumentSource.PathFieldOf(method.Http);
        foreach (Match match in PathParameter().Matches(path))
        {
            yield return new OpenApiParameter
            {
                Name = match.Groups["name"].Value,
                In = ParameterLocation.Path,
                Required = true,
                Description = $"Part of {ProtoComments.Of($"{method.Descriptor.InputType.FullName}.{field}")}",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            };
        }
    }

    private IEnumerable<IOpenApiParameter> QueryParameters(ApiMethod method)
    {
        if (method.Http.Body.Length > 0)
        {
            yield break;
        }

        var inPath = OpenApiDocumentSource.PathFieldOf(method.Http);
        foreach (var field in method.Descriptor.InputType.Fields.InDeclarationOrder())
        {
            if (!string.Equals(field.Name, inPath, StringComparison.Ordinal))
            {
                yield return new OpenApiParameter
                {
                    Name = field.JsonName,
                    In = ParameterLocation.Query,
                    Description = ProtoComments.Of(field.FullName),
                    Required = OpenApiSchemas.IsRequired(field),
                    Schema = schemas.Of(field),
                };
            }
        }
    }

    private OpenApiRequestBody? Body(ApiMethod method)
    {
        if (method.Http.Body.Length == 0)
        {
            return null;
        }

        var input = method.Descriptor.InputType;
        var schema = schemas.Body(input, OpenApiDocumentSource.PathFieldOf(method.Http));
        return new OpenApiRequestBody
        {
            Description = ProtoComments.Of(input.FullName),
            Required = schema.Required is { Count: > 0 },
            Content = Content(schema),
        };
    }

    private OpenApiResponses Responses(ApiMethod method)
    {
        var output = method.Descriptor.OutputType;
        var responses = new OpenApiResponses
        {
            ["200"] = new OpenApiResponse
            {
                Description = method.Descriptor.IsServerStreaming
                    ? $"One JSON object per line until the stream ends: {ProtoComments.Of(output.FullName)}"
                    : ProtoComments.Of(output.FullName),
                Headers = OpenApiSchemas.RequestIdHeader(),
                Content = Content(schemas.Of(output)),
            },
            ["400"] = Error("The request is invalid; the error names every invalid field."),
        };
        if (method.Access != Access.Anyone)
        {
            responses["401"] = Error("The key is missing, unknown or revoked: `AUTH_*`.");
        }

        if (RefusedCallers(method) is { } refused)
        {
            responses["403"] = Error(refused);
        }

        if (OpenApiDocumentSource.PathFieldOf(method.Http) is not null)
        {
            responses["404"] = Error("The resource does not exist, or the key has no access to it.");
        }

        responses["default"] = Error("Any other failure; its `reason` is a code of `/v1/failures` or a general one.");
        return responses;
    }

    private static string? RefusedCallers(ApiMethod method) =>
        (method.Access == Access.Operator, method.Changes) switch
        {
            (true, true) => "The method needs an operator key that is not a viewer's.",
            (true, false) => "The method needs an operator key.",
            (false, true) => "The method refuses a viewer's key.",
            (false, false) => null,
        };

    private OpenApiResponse Error(string description) =>
        new()
        {
            Description = description,
            Headers = OpenApiSchemas.RequestIdHeader(),
            Content = Content(new OpenApiSchemaReference(OpenApiSchemas.ErrorName, document)),
        };

    private static Dictionary<string, IOpenApiMediaType> Content(IOpenApiSchema schema) =>
        new(StringComparer.Ordinal) { [Json] = new OpenApiMediaType { Schema = schema } };

    [GeneratedRegex(@"\{(?<name>\w+)\}", RegexOptions.None, 1000)]
    private static partial Regex PathParameter();
}
