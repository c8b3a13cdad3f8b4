using System.Text;

namespace Mlops.Sdk.Azure.Tests.Storage;

/// <summary>Short words for what tests do with stores.</summary>
internal static class Objects
{
    internal static async Task<PutResult> PutAsync(this IObjectStore store, string key, string text, PutCondition condition = default)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return await store.PutAsync(ObjectKey.Parse(key), content, condition);
    }

    internal static async Task<PutResult> PutAsync(this IObjectStore store, string key, byte[] bytes, PutCondition condition = default)
    {
        using var content = new MemoryStream(bytes);
        return await store.PutAsync(ObjectKey.Parse(key), content, condition);
    }

    internal static async Task<byte[]?> ReadAsync(this IObjectStore store, string key, ByteRange? range = null)
    {
        if (await store.OpenAsync(ObjectKey.Parse(key), range) is not { } stream)
        {
            return null;
        }

        await using (stream)
        {
            using var copy = new MemoryStream();
            await stream.CopyToAsync(copy);
            return copy.ToArray();
        }
    }

    internal static async Task<string?> TextAsync(this IObjectStore store, string key) => await store.ReadAsync(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    internal static byte[] Noise(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal static async Task<MlopsStorageException> FailsAsync(string code, Func<Task> call)
    {
        MlopsStorageException error = await Assert.ThrowsAsync<MlopsStorageException>(call);
        Assert.Equal(code, error.Code);
        return error;
    }
}
