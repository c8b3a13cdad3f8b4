using System.Security.Cryptography;
using System.Text;

namespace Mlops.Sdk.Testing;

/// <summary>One check of one rule: the store, keys nobody else uses, and ways to say what is wrong.</summary>
internal sealed class ConformanceRun(string rule, Func<IObjectStore> open, CancellationToken cancellation)
{
    private readonly string _folder = $"conformance/{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";

    internal IObjectStore Store { get; } = open();

    internal CancellationToken Cancellation => cancellation;

    /// <summary>Gets what all keys of this run start with.</summary>
    internal string Prefix => _folder + "/";

    /// <summary>Opens another handle to the same place.</summary>
    internal IObjectStore OpenAnother() => open();

    internal ObjectKey Key(string name) => ObjectKey.Parse(Prefix + name);

    internal async Task<PutResult> PutAsync(string name, string text, PutCondition condition = default, IObjectStore? store = null)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return await (store ?? Store).PutAsync(Key(name), content, condition, cancellation).ConfigureAwait(false);
    }

    /// <summary>Puts what must be written and returns its ETag.</summary>
    internal async Task<string> WriteAsync(string name, string text, PutCondition condition = default)
    {
        PutResult result = await PutAsync(name, text, condition).ConfigureAwait(false);
        Expect(result.Written, $"the put of '{name}' was not done though its condition holds");
        Expect(!string.IsNullOrEmpty(result.ETag), $"the put of '{name}' told no ETag");
        return result.ETag!;
    }

    internal async Task<byte[]?> ReadAsync(string name, ByteRange? range = null, IObjectStore? store = null)
    {
        Stream? stream = await (store ?? Store).OpenAsync(Key(name), range, cancellation).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy, cancellation).ConfigureAwait(false);
            return copy.ToArray();
        }
    }

    internal async Task ExpectContentAsync(string name, string? expected, IObjectStore? store = null)
    {
        byte[]? found = await ReadAsync(name, null, store).ConfigureAwait(false);
        string? text = found is null ? null : Encoding.UTF8.GetString(found);
        Expect(text == expected, $"'{name}' should hold {Show(expected)} and holds {Show(text)}");
    }

    internal async Task<List<ObjectInfo>> ListAsync(string prefix, string? after = null)
    {
        var found = new List<ObjectInfo>();
        await foreach (ObjectInfo info in Store.ListAsync(prefix, after, cancellation).ConfigureAwait(false))
        {
            found.Add(info);
        }

        return found;
    }

    internal void Expect(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new ObjectStoreConformanceException(rule, otherwise);
        }
    }

    internal async Task ExpectCodeAsync(string code, Func<Task> call, string what)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (MlopsStorageException error)
        {
            Expect(error.Code == code, $"{what} should fail with {code} and failed with {error.Code}");
            return;
        }

        Expect(false, $"{what} should fail with {code} and did not fail");
    }

    internal async Task ExpectThrowsAsync<T>(Func<Task> call, string what)
        where T : Exception
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (T)
        {
            return;
        }

        Expect(false, $"{what} should throw {typeof(T).Name} and did not");
    }

    private static string Show(string? text) => text is null ? "nothing" : text.Length <= 60 ? $"'{text}'" : $"'{text[..60]}...' ({text.Length} characters)";
}
