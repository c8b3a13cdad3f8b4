using System.IO.Compression;
using System.Text;

namespace Mlops.Sdk.Data;

/// <summary>Opens text files, plain or gzip, and says clearly when that does not work.</summary>
internal static class FileText
{
    internal static StreamReader Open(string path, string kind)
    {
        try
        {
            Stream file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16, FileOptions.SequentialScan | FileOptions.Asynchronous);
            Stream bytes = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionMode.Decompress) : file;
            return new StreamReader(bytes, new UTF8Encoding(false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: true, 1 << 16);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, kind, error);
        }
    }

    internal static MlopsDataException Unreadable(string path, string kind, Exception error)
    {
        string what = error is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : error.Message;
        return new MlopsDataException("data.unreadable", $"'{path}' cannot be read as {kind}: {what} Check the path, the permissions and that it is UTF-8 text, plain or gzip.", error);
    }
}
