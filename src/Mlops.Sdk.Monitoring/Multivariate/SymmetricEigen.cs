namespace Mlops.Sdk.Monitoring;

/// <summary>Eigenvalues and eigenvectors of a real symmetric matrix, by cyclic Jacobi rotations.</summary>
/// <remarks>
/// Each rotation makes one element off the diagonal zero; sweeps over all of them go on until what is left off the diagonal is below
/// 1e-15 of the matrix. Accurate to rounding also for small eigenvalues; the work grows with the cube of the size (about a second at 300).
/// <para>Source: G. Golub, C. Van Loan, Matrix Computations, 4th edition, section 8.5.</para>
/// </remarks>
internal static class SymmetricEigen
{
    private const int MaxSweeps = 60;

    /// <summary>Decomposes.</summary>
    /// <param name="matrix">The matrix, row after row, shape [size * size]; not changed.</param>
    /// <param name="size">Rows and columns.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The eigenvalues, largest first, and for each its vector of length 1 as a row, shape [size * size].</returns>
    internal static (double[] Values, double[] Vectors) Decompose(double[] matrix, int size, CancellationToken cancellationToken = default)
    {
        double[] a = [.. matrix];
        double[] v = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            v[(i * size) + i] = 1;
        }

        double whole = a.Sum(x => x * x);
        for (int sweep = 0; sweep < MaxSweeps && OffDiagonal(a, size) > 1e-30 * whole; sweep++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int p = 0; p < size - 1; p++)
            {
                for (int q = p + 1; q < size; q++)
                {
                    Rotate(a, v, size, p, q);
                }
            }
        }

        int[] order = [.. Enumerable.Range(0, size).OrderByDescending(i => a[(i * size) + i])];
        double[] vectors = new double[size * size];
        for (int i = 0; i < size; i++)
        {
            Array.Copy(v, order[i] * size, vectors, i * size, size);
        }

        return (Array.ConvertAll(order, i => a[(i * size) + i]), vectors);
    }

    /// <summary>Turns rows and columns p and q so that the element between them becomes zero; the rows of <paramref name="v"/> keep the product of all turns.</summary>
    private static void Rotate(double[] a, double[] v, int size, int p, int q)
    {
        double apq = a[(p * size) + q];
        if (apq == 0)
        {
            return;
        }

        double theta = (a[(q * size) + q] - a[(p * size) + p]) / (2 * apq);
        double t = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1));
        double c = 1 / Math.Sqrt((t * t) + 1);
        double s = t * c;
        Turn(a.AsSpan(p * size, size), a.AsSpan(q * size, size), c, s);
        for (int k = 0; k < size; k++)
        {
            double akp = a[(k * size) + p];
            double akq = a[(k * size) + q];
            a[(k * size) + p] = (c * akp) - (s * akq);
            a[(k * size) + q] = (s * akp) + (c * akq);
        }

        a[(p * size) + q] = 0;
        a[(q * size) + p] = 0;
        Turn(v.AsSpan(p * size, size), v.AsSpan(q * size, size), c, s);
    }

    private static void Turn(Span<double> p, Span<double> q, double c, double s)
    {
        for (int k = 0; k < p.Length; k++)
        {
            (p[k], q[k]) = ((c * p[k]) - (s * q[k]), (s * p[k]) + (c * q[k]));
        }
    }

    private static double OffDiagonal(double[] a, int size)
    {
        double sum = 0;
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j < size; j++)
            {
                sum += i == j ? 0 : a[(i * size) + j] * a[(i * size) + j];
            }
        }

        return sum;
    }
}
