using System.Text.Json;

namespace Scheduler.Inference.Guard;

/// <summary>Prompts that are no messages, token ids, and images.</summary>
internal ref partial struct PromptReader
{
    private const string IdsName = "token ids";
    private const string ImageScheme = "data:image/";

    /// <summary>A text, token ids, an object of llama-server, or a list of these.</summary>
    private void ReadPrompt(Members members, Member member)
    {
        if (_json.TokenType is JsonTokenType.String or JsonTokenType.Null)
        {
            ReadShown(member, User);
        }
        else if (_json.TokenType == JsonTokenType.StartObject)
        {
            ReadObject(_table.Prompt);
        }
        else if (_json.TokenType == JsonTokenType.StartArray)
        {
            ReadPrompts(members, member);
        }
        else
        {
            Wrong(members, member, "Must be a text, a list of texts, or token ids.");
        }
    }

    private void ReadPrompts(Members members, Member member)
    {
        var (hasNumber, hasOther) = LookInto();
        if (hasNumber && !hasOther)
        {
            ReadIds(members, member);
            return;
        }

        if (hasNumber)
        {
            // llama-server joins both to one prompt. A detokenizer tells no limits between texts and ids.
            AddUnseen(User, IdsName);
            Wrong(members, member, "Mixes texts and token ids in one list, which a firewall's judge cannot be shown.");
            return;
        }

        _scratch.Writer.WriteStartArray();
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            ReadPrompt(members, member);
        }

        _scratch.Writer.WriteEndArray();
    }

    /// <summary>Whether the list at which the reader is has a number in it, and whether it has anything else.</summary>
    private readonly (bool HasNumber, bool HasOther) LookInto()
    {
        var ahead = _json;
        var (hasNumber, hasOther) = (false, false);
        while (ahead.Read() && ahead.TokenType != JsonTokenType.EndArray)
        {
            hasNumber |= ahead.TokenType == JsonTokenType.Number;
            hasOther |= ahead.TokenType != JsonTokenType.Number;
            ahead.Skip();
        }

        return (hasNumber, hasOther);
    }

    /// <summary>A list of token ids, or a list of such lists.</summary>
    private void ReadIds(Members members, Member member)
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            _scratch.Writer.WriteNullValue();
            return;
        }

        if (_json.TokenType != JsonTokenType.StartArray)
        {
            AddUnseen(LabelOf(members, member), IdsName);
            Wrong(members, member, "Must be a list of token ids.");
            return;
        }

        _scratch.Writer.WriteStartArray();
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType == JsonTokenType.StartArray)
            {
                ReadIds(members, member);
            }
            else if (_json.TokenType == JsonTokenType.Number && _json.TryGetInt32(out var id) && id >= 0)
            {
                AddId(id, LabelOf(members, member));
                _scratch.Writer.WriteNumberValue(id);
            }
            else
            {
                AddUnseen(LabelOf(members, member), IdsName);
                Fault(members, member.Name, "Must hold token ids: whole numbers from 0.", User);
            }
        }

        _scratch.Writer.WriteEndArray();
    }

    private readonly void AddId(int id, string label)
    {
        if (_ids.Count == 0)
        {
            // One piece for all ids: they become text in one call of the detokenizer.
            _parts.Add(new PromptPart(label is "input" or "prompt" ? User : label, IdsName, PartKind.Ids));
        }

        _ids.Add(id);
    }

    /// <summary>
    /// The address of an image, or an object with it. A judge is shown images as data URLs only: an address on the
    /// network can answer the judge and the runtime differently.
    /// </summary>
    private void ReadImage(Members members, Member member)
    {
        if (_json.TokenType == JsonTokenType.Null)
        {
            _scratch.Writer.WriteNullValue();
            return;
        }

        if (_json.TokenType == JsonTokenType.StartObject)
        {
            ReadImageObject();
            return;
        }

        if (_json.TokenType != JsonTokenType.String)
        {
            AddUnseen(_role, member.Name);
            Wrong(members, member, "Must be an address, or an object with the member url.");
            return;
        }

        AddImage();
    }

    private void AddImage()
    {
        var url = _json.GetString()!;
        _scratch.Writer.WriteStringValue(url);
        _parts.Add(
            url.StartsWith(ImageScheme, StringComparison.OrdinalIgnoreCase)
                ? new PromptPart(_role, "image", PartKind.Image) { Image = url }
                : new PromptPart(_role, "image", PartKind.Media)
        );
    }

    private void ReadImageObject()
    {
        var writer = _scratch.Writer;
        var seen = new bool[_table.Image.Count];
        writer.WriteStartObject();
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (_table.Image.Find(ref _json) is not { } member)
            {
                ReadUnknown(_table.Image);
                continue;
            }

            _json.Read();
            if (seen[member.Index])
            {
                AddUnseen(_role, "image");
                Fault(_table.Image, member.Name, Twice, _role);
            }
            else
            {
                writer.WritePropertyName(member.Encoded);
                if (member.Kind == MemberKind.Url && _json.TokenType == JsonTokenType.String)
                {
                    AddImage();
                }
                else
                {
                    ReadValue(_table.Image, member);
                }
            }

            seen[member.Index] = true;
        }

        writer.WriteEndObject();
    }
}
