using System.Text.Json;
using System.Text.Unicode;

namespace EfficientConv.Dsl;

/// <summary>
/// A checkpoint in several safetensors files with an index, <c>model.safetensors.index.json</c>: <c>{"weight_map": {tensor: file}}</c>. Every tensor must
/// be in the file that the index names and in no other.
/// </summary>
internal sealed class SafetensorsIndex : IDisposable
{
    private const long MaxIndexLength = 100_000_000;

    private readonly List<SafetensorsFile> _shards = [];

    /// <summary>Whether <paramref name="path"/> is an index by its name.</summary>
    internal static bool IsIndex(string path) => path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    /// <summary>The files, in the order in which the index first names them.</summary>
    internal IReadOnlyList<SafetensorsFile> Shards => _shards;

    /// <summary>Opens the index and all its files, which must stand in its folder.</summary>
    /// <exception cref="SafetensorsException">The index or one of the files breaks a rule.</exception>
    internal static SafetensorsIndex Open(string path)
    {
        if (FileKinds.OfPath(path) is { } kind)
            throw new SafetensorsException(path, "index", null, "a file", kind);
        long length = new FileInfo(path).Length;
        if (length > MaxIndexLength)
            throw new SafetensorsException(path, "index", null, $"at most {MaxIndexLength} bytes", $"{length} bytes");
        Dictionary<string, string> map = ReadMap(path);
        var index = new SafetensorsIndex();
        try
        {
            foreach (IGrouping<string, string> shard in map.GroupBy(p => p.Value, p => p.Key, StringComparer.Ordinal))
                index.Add(path, shard.Key, [.. shard]);
        }
        catch
        {
            index.Dispose();
            throw;
        }
        return index;
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (SafetensorsFile shard in _shards)
            shard.Dispose();
    }

    private void Add(string path, string name, HashSet<string> expected)
    {
        // A name is a name: anything that could lead out of the folder is refused, whatever the system's separators are.
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny("/\\:\0"))
            throw new SafetensorsException(path, "weight_map", null, "names of files in the index's folder", $"\"{name}\"");
        string file = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, name);
        if (!File.Exists(file))
            throw new SafetensorsException(path, "weight_map", null, $"a file \"{name}\" beside the index", "no such file");
        SafetensorsFile shard = SafetensorsFile.Open(file);
        _shards.Add(shard);
        foreach (SafetensorsTensor tensor in shard.Tensors)
        {
            if (!expected.Remove(tensor.Name))
                throw new SafetensorsException(path, "weight_map", null, $"tensor \"{tensor.Name}\", which \"{name}\" holds, in this file", "no such entry");
        }
        foreach (string missing in expected)
            throw new SafetensorsException(path, "weight_map", null, $"tensor \"{missing}\" in \"{name}\"", "no such tensor");
    }

    private static Dictionary<string, string> ReadMap(string path)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        byte[] bytes = File.ReadAllBytes(path);
        if (!Utf8.IsValid(bytes))
            throw new SafetensorsException(path, "index", null, "JSON in valid UTF-8", FileKinds.OfBytes(bytes) ?? "an invalid byte sequence");
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = 16 });
        bool found = false;
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new SafetensorsException(path, "index", 0, "an object", reader.TokenType.ToString());
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isMap = reader.ValueTextEquals("weight_map");
                reader.Read();
                if (!isMap)
                    reader.Skip();
                else if (found)
                    throw new SafetensorsException(path, "index", reader.TokenStartIndex, "one \"weight_map\"", "a second");
                else if (reader.TokenType != JsonTokenType.StartObject)
                    throw new SafetensorsException(path, "weight_map", reader.TokenStartIndex, "an object", reader.TokenType.ToString());
                else
                    ReadEntries(path, ref reader, map);
                found |= isMap;
            }
            if (reader.Read())
                throw new SafetensorsException(path, "index", reader.TokenStartIndex, "nothing behind the object", reader.TokenType.ToString());
        }
        catch (JsonException e)
        {
            throw new SafetensorsException(path, "index", reader.BytesConsumed, "JSON", (reader.BytesConsumed == 0 ? FileKinds.OfBytes(bytes) : null) ?? e.Message, e);
        }
        catch (InvalidOperationException e)
        {
            // The reader's answer to an escaped half of a surrogate pair.
            throw new SafetensorsException(path, "index", reader.TokenStartIndex, "valid Unicode in strings", e.Message, e);
        }
        return found ? map : throw new SafetensorsException(path, "index", null, "an object \"weight_map\"", "none");
    }

    private static void ReadEntries(string path, ref Utf8JsonReader reader, Dictionary<string, string> map)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string tensor = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
                throw new SafetensorsException(path, $"weight_map \"{tensor}\"", reader.TokenStartIndex, "a file's name", reader.TokenType.ToString());
            if (!map.TryAdd(tensor, reader.GetString()!))
                throw new SafetensorsException(path, "weight_map", reader.TokenStartIndex, "each tensor once", $"\"{tensor}\" twice");
        }
    }
}
