using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Microsoft.OpenApi;
using Scheduler.Api.V1;
using Scheduler.Edge;

namespace Scheduler.Api.OpenApi;

/// <summary>Writes the messages and enums of the protos as schemas, each once.</summary>
internal sealed class OpenApiSchemas(OpenApiDocument document)
{
    public const string ErrorName = "Error";

    public static bool IsRequired(FieldDescriptor field) =>
        field.GetOptions()?.GetExtension(AccessExtensions.Required) == true;

    public static Dictionary<string, IOpenApiHeader> RequestIdHeader() =>
        new(StringComparer.Ordinal)
        {
            [RequestScope.IdHeader] = new OpenApiHeader
            {
                Description = "Id of this request in logs, events and `/v1/requests/{request}`.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            },
        };

    public IOpenApiSchema Of(MessageDescriptor message)
    {
        if (document.Components!.Schemas?.ContainsKey(message.Name) != true)
        {
            var schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = ProtoComments.Of(message.FullName),
            };

            // Added before its fields, because messages may contain each other.
            document.AddComponent(message.Name, schema);
            AddFields(schema, message, null);
        }

        return new OpenApiSchemaReference(message.Name, document);
    }

    /// <summary>The schema of a request body: the message without the fields in the URL.</summary>
    public OpenApiSchema Body(MessageDescriptor message, string? inPath)
    {
        var schema = new OpenApiSchema { Type = JsonSchemaType.Object, AdditionalPropertiesAllowed = false };
        AddFields(schema, message, inPath);
        return schema;
    }

    public IOpenApiSchema Of(FieldDescriptor field)
    {
        var comment = ProtoComments.Of(field.FullName);
        if (field.IsMap)
        {
            return new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = comment,
                AdditionalProperties = Single(field.MessageType.FindFieldByNumber(2), ""),
            };
        }

        return field.IsRepeated
            ? new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Description = comment,
                Items = Single(field, ""),
            }
            : Single(field, comment);
    }

    public void AddError() =>
        document.AddComponent(
            ErrorName,
            new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = "`google.rpc.Status`: the same content on gRPC and HTTP.",
                Required = new HashSet<string>(StringComparer.Ordinal) { "code", "message", "details" },
                Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
                {
                    ["code"] = new OpenApiSchema { Type = JsonSchemaType.Integer, Description = "gRPC status number." },
                    ["message"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What happened." },
                    ["details"] = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Array,
                        Description =
                            "Always `ErrorInfo` (`reason`, `metadata` with the facts, `hint` and `request_id`) and `RequestInfo`. "
                            + "If they apply: `BadRequest` with every invalid field, `Help`, `RetryInfo`, `LocalizedMessage`.",
                        Items = new OpenApiSchema
                        {
                            Type = JsonSchemaType.Object,
                            Required = new HashSet<string>(StringComparer.Ordinal) { "@type" },
                            Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal)
                            {
                                ["@type"] = new OpenApiSchema
                                {
                                    Type = JsonSchemaType.String,
                                    Description = "For example `type.googleapis.com/google.rpc.ErrorInfo`.",
                                },
                            },
                        },
                    },
                },
            }
        );

    private void AddFields(OpenApiSchema schema, MessageDescriptor message, string? inPath)
    {
        schema.Properties = new Dictionary<string, IOpenApiSchema>(StringComparer.Ordinal);
        var required = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in message.Fields.InDeclarationOrder())
        {
            if (string.Equals(field.Name, inPath, StringComparison.Ordinal))
            {
                continue;
            }

            schema.Properties[field.JsonName] = Of(field);
            if (IsRequired(field))
            {
                required.Add(field.JsonName);
            }
        }

        if (required.Count > 0)
        {
            schema.Required = required;
        }
    }

    private IOpenApiSchema Single(FieldDescriptor field, string comment)
    {
        if (field.FieldType == FieldType.Message && WellKnown(field.MessageType) is null)
        {
            // OpenAPI 3.1: a description beside a reference describes this use of the schema.
            Of(field.MessageType);
            return new OpenApiSchemaReference(field.MessageType.Name, document)
            {
                Description = comment.Length > 0 ? comment : null,
            };
        }

        var schema = field.FieldType switch
        {
            FieldType.String => new OpenApiSchema { Type = JsonSchemaType.String },
            FieldType.Bytes => new OpenApiSchema { Type = JsonSchemaType.String, Format = "byte" },
            FieldType.Bool => new OpenApiSchema { Type = JsonSchemaType.Boolean },
            FieldType.Int32 => new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int32" },
            FieldType.Int64 => new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64" },
            FieldType.Double => new OpenApiSchema { Type = JsonSchemaType.Number, Format = "double" },
            FieldType.Enum => Enumeration(field.EnumType),
            FieldType.Message => WellKnown(field.MessageType)!,
            _ => throw new NotSupportedException($"{field.FullName}: {field.FieldType}"),
        };
        schema.Description = string.Join(' ', new[] { comment, schema.Description }.Where(text => text?.Length > 0));
        return schema;
    }

    private static OpenApiSchema Enumeration(EnumDescriptor type)
    {
        var values = type.Values.Select(value =>
            $"`{value.Name}`: {ProtoComments.Of($"{type.FullName}.{value.Name}")}"
        );
        return new OpenApiSchema
        {
            Type = JsonSchemaType.String,
            Enum = [.. type.Values.Select(value => (JsonNode)value.Name)],
            Description = string.Join(' ', values),
        };
    }

    private static OpenApiSchema? WellKnown(MessageDescriptor message) =>
        message.FullName switch
        {
            "google.protobuf.Timestamp" => new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" },
            "google.protobuf.Duration" => new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Pattern = @"^[0-9]+(\.[0-9]{1,9})?s$",
                Description = "Seconds with the unit, for example `90s`.",
            },
            "google.protobuf.FieldMask" => new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = "Comma-separated field paths, for example `spec.contextTokens,labels`.",
            },
            _ => null,
        };
}
